#!/usr/bin/env bash
# Runs once, inside the database's container, when its volume is new: the database, and a role for each kind of process. What the
# roles may do is said by deploy/sql/roles.sql.
set -euo pipefail

password_of() {
  # A literal for SQL; the passwords are hexadecimal, which this holds them to.
  local password
  password="$(tr -d '\n' <"/run/secrets/$1-password")"
  [[ "$password" =~ ^[0-9a-f]{32,}$ ]] || { echo "$1-password is not one of prepare.sh's" >&2; return 1; }
  printf "'%s'" "$password"
}

# The passwords go through standard input: an argument would show in the list of processes.
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres <<SQL
CREATE ROLE okms_owner LOGIN PASSWORD $(password_of owner);
CREATE ROLE okms_silo LOGIN PASSWORD $(password_of silo);
CREATE ROLE okms_gateway LOGIN PASSWORD $(password_of gateway);
CREATE DATABASE okms OWNER okms_owner;
REVOKE ALL ON DATABASE okms FROM PUBLIC;
GRANT CONNECT ON DATABASE okms TO okms_silo, okms_gateway;
SQL
