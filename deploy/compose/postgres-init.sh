#!/usr/bin/env bash
# Runs once, inside the database's container, when its volume is new: creates the database, and a role with a password for each kind
# of process. The service "grants" sets the roles' table privileges again after each migration.
set -euo pipefail

password_of() {
  # A literal for SQL; this enforces that the passwords are hexadecimal.
  local password
  password="$(tr -d '\n' <"/run/secrets/$1-password")"
  [[ "$password" =~ ^[0-9a-f]{32,}$ ]] || { echo "$1-password is not one of prepare.sh's" >&2; return 1; }
  printf "'%s'" "$password"
}

sql() { psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" "$@"; }

sql --dbname postgres --command 'CREATE DATABASE okms'
sql --dbname okms --file /etc/okms/roles.sql >/dev/null
# The passwords go through standard input: an argument would show in the list of processes.
owner="$(password_of owner)" silo="$(password_of silo)" gateway="$(password_of gateway)"
sql --dbname okms <<SQL
ALTER ROLE okms_owner PASSWORD $owner;
ALTER ROLE okms_silo PASSWORD $silo;
ALTER ROLE okms_gateway PASSWORD $gateway;
SQL
