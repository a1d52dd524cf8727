#!/usr/bin/env bash
# Creates what docker-compose.yml needs and the repository must not contain: passwords, database addresses, certificates, the root
# key. Existing files are kept, so running it again only fills gaps.
#     deploy/compose/prepare.sh
#     deploy/compose/prepare.sh --renew-certificates      new certificates of the same authority, taken up without a restart
set -euo pipefail
umask 077
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
top="$(cd "$here/../.." && pwd)"
secrets="$here/secrets"

# Writes a file atomically.
keep_or_make() {
  local file="$secrets/$1"
  shift
  [ ! -s "$file" ] || return 0
  "$@" >"$file.new"
  mv "$file.new" "$file"
}

new_password() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

new_root_key() { head -c 32 /dev/urandom; }

# ROLE OPTIONS
address() { printf 'postgres://okms_%s:%s@postgres:5432/okms?%s' "$1" "$(cat "$secrets/$1-password")" "$2"; }

database_url() { address "$1" 'sslmode=verify-full&sslrootcert=/run/tls/ca.crt'; }

# An address that an earlier version wrote, and that silos now refuse, is replaced.
drop_insecure_url() {
  local file="$secrets/$1-database-url"
  [ ! -s "$file" ] || [ "$(cat "$file")" != "$(address "$1" sslmode=disable)" ] || rm "$file"
}

# NAME ROLE DAYS [HOST ...]; a certificate of this cluster's own authority, in a directory of its own, key and certificate together.
certificate() {
  local directory="$secrets/$1-tls"
  mkdir -p "$directory"
  "$top/deploy/certs.sh" --dir "$secrets/ca" --days "$3" "$2" "$1" "${@:4}"
  cp "$secrets/ca/ca.pem" "$directory/ca.crt.new"
  mv "$secrets/ca/$1.pem" "$directory/tls.crt.new"
  mv "$secrets/ca/$1.key" "$directory/tls.key.new"
  # Each file is replaced atomically; processes keep the old pair until the new key and certificate match.
  mv -f "$directory/ca.crt.new" "$directory/ca.crt"
  mv -f "$directory/tls.key.new" "$directory/tls.key"
  mv -f "$directory/tls.crt.new" "$directory/tls.crt"
}

certificates() {
  local kind
  [ -s "$secrets/ca/ca.pem" ] || "$top/deploy/certs.sh" --dir "$secrets/ca" ca
  for kind in silo gateway; do
    if [ -n "$1" ] || [ ! -s "$secrets/$kind-tls/tls.crt" ]; then certificate "$kind" "$kind" 90; fi
  done
  # Valid as long as the authority: Postgres loads a new one only when told to, and nobody can connect once it has expired.
  if [ -n "$1" ] || [ ! -s "$secrets/postgres-tls/tls.crt" ]; then certificate postgres server 1825 postgres; fi
}

main() {
  local role renew=""
  case "${1:-}" in
    "") ;;
    --renew-certificates) renew=1 ;;
    *) echo "prepare.sh: unknown option: $1" >&2; return 2 ;;
  esac
  # Containers run as the user who runs this script, the only one who can read the files.
  [ "$(id -u)" -ne 0 ] || { echo "prepare.sh: not as root, or the containers would be root, too." >&2; return 1; }
  mkdir -p "$secrets" "$secrets/administrator" "$secrets/metrics"
  # The silos' audit logs; keep them as long as the database's backups.
  mkdir -p "$here/audit/silo-1" "$here/audit/silo-2" "$here/audit/silo-3"
  for role in postgres owner silo gateway grafana; do keep_or_make "$role-password" new_password; done
  for role in owner silo gateway; do drop_insecure_url "$role"; done
  for role in owner silo gateway; do keep_or_make "$role-database-url" database_url "$role"; done
  keep_or_make metrics/metrics.token new_password
  keep_or_make root.key new_root_key
  certificates "$renew"
  [ -e "$top/.env" ] || printf 'OKMS_UID=%s\nOKMS_GID=%s\n' "$(id -u)" "$(id -g)" >"$top/.env"
  echo "Ready: $secrets. Keep a copy of root.key somewhere else: without it no backup of the database opens."
}

main "$@"
