#!/usr/bin/env bash
# A million keys on Postgres: created, listed, and woken at random while others idle out.
#
#   PGURL=postgres://user:password@host:port tests/Bench/million.sh PROGRAM
#
# PROGRAM is an executable of a silo, or one that dotnet runs (….dll). Prints how long it takes to create KEYS (1,000,000) keys, 100 by a
# request, with CPU and bytes on disk a key; to list them all; and the latencies of WOKEN (100,000) encryptions of as many random keys
# after a restart, RATE (500) a second, with keys that leave memory after IDLE (PT2M), beside the memory of the service every ten seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
keys=${KEYS:-1000000}
woken=${WOKEN:-100000}
rate=${RATE:-500}
port=${PORT:-8795}
work=$(mktemp -d)
database=okms_million_$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
pid=
finish() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  [ -n "${KEEP:-}" ] || psql -qX "$PGURL/postgres" -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" || true
  rm -rf "$work"
}
trap finish EXIT

[ -n "${NO_BUILD:-}" ] || dotnet build -c Release --nologo -v q tests/Bench >/dev/null
bench() { dotnet tests/Bench/bin/Release/net10.0/OrleansKms.Tests.Bench.dll keys "$1" "http://127.0.0.1:$port" "$token" "${@:2}"; }
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
postgres() { cat /proc/[0-9]*/stat 2>/dev/null | awk '/^[0-9]+ \(postgres\)/ { sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15 } END { print sum + 0 }'; }
memory() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$pid/status"; }
query() { psql -qXAt "$PGURL/$database" -c "$1"; }

command=("$1")
[ "${1%.dll}" = "$1" ] || command=(dotnet "$1")
install -d -m 0700 "$work/data"
psql -qX "$PGURL/postgres" -c "CREATE DATABASE $database"
silo() {
  env -u OKMS_TEST_DATABASE_URL PORT=$port OKMS_SILO_PORT=$((port + 10000)) OKMS_CLIENT_PORT=$((port + 20000)) OKMS_DATA_DIR="$work/data" \
    OKMS_REQUEST_LOG=false OKMS_DASHBOARD=false DATABASE_URL="$PGURL/$database" OKMS_GATEWAY=true OKMS_INSECURE_CLUSTER_NETWORK=true \
    OKMS_KEY_IDLE_TIME="${IDLE:-PT2M}" "${command[@]}" "$@"
}
token=$(silo create-administrator 2>/dev/null)
start() {
  silo >"$work/log" 2>&1 &
  until curl -fsS -o /dev/null "http://127.0.0.1:$port/health/ready" 2>/dev/null; do sleep 0.2; done
  pid=$(pgrep -P $! | head -1)
  pid=${pid:-$!}
}
start

before=$(ticks "$pid") postgres_before=$(postgres)
figures=$(bench create-many count="$keys")
echo "created: $figures"
echo "us CPU a key: service $((($(ticks "$pid") - before) * 10000 / keys)), Postgres $((($(postgres) - postgres_before) * 10000 / keys))"
query "SELECT 'bytes on disk a key: ' || pg_total_relation_size('okms_row') / $keys || ', of it rows ' || pg_table_size('okms_row') / $keys"
query "SELECT indexrelname || ' ' || pg_relation_size(indexrelid) / $keys FROM pg_stat_user_indexes WHERE relname = 'okms_row' ORDER BY 1"
echo "listed: $(bench list)"

# What was created is still in memory; now nothing is but what warms the program up.
kill "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
start
bench encrypt count=5000 rate="$rate" >/dev/null

echo "memory, MiB, before and every ten seconds: $(memory)"
bench encrypt count="$keys" use="$woken" shuffle=yes rate="$rate" connections=64 >"$work/woken" &
loader=$!
while kill -0 "$loader" 2>/dev/null; do
  sleep 10
  printf '%s ' "$(memory)"
done
wait "$loader"
echo
echo "woken: $(cat "$work/woken")"
