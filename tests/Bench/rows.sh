#!/usr/bin/env bash
# Creates keys and wakes them up, over HTTP with 32 connections: creates, cold encryptions and cold decryptions a second, and what each
# costs in CPU of the service and of Postgres.
#
#   [PGURL=postgres://user:password@host:port] tests/Bench/rows.sh PROGRAM…
#
# PROGRAM is an executable of a silo, or one that dotnet runs (….dll); several are measured in turn, each on a database of its own: in
# PGURL's server or, without it, on SQLite. WARM_UP (20) seconds, then ROUNDS (3) slices of SECONDS_EACH (10) for creates; then, after a restart, each of KEYS
# (20,000) keys encrypts 1 KiB once, and after another one decrypts. Needs psql for Postgres. Discard a round in which others used the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-10}
keys=${KEYS:-20000}
port=${PORT:-8790}
work=$(mktemp -d)
pids=()
databases=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  for database in "${databases[@]}"; do psql -qX "$PGURL/postgres" -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" || true; done
  rm -rf "$work"
}
trap finish EXIT

[ -n "${NO_BUILD:-}" ] || dotnet build -c Release --nologo -v q tests/Bench >/dev/null
bench() { dotnet tests/Bench/bin/Release/net10.0/OrleansKms.Tests.Bench.dll keys "$@"; }
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
# All of Postgres on this machine, with the processes that have ended.
postgres() { cat /proc/[0-9]*/stat 2>/dev/null | awk '/^[0-9]+ \(postgres\)/ { sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15 } END { print sum + 0 }'; }
random() { head -c 24 /dev/urandom | base64 -w0 | tr '+/' '-_'; }

# NUMBER ARGUMENT…: a silo or a command of it; replaces the calling shell.
program() {
  local number=$1
  shift
  local command=("${programs[$number]}")
  [ "${command[0]%.dll}" = "${command[0]}" ] || command=(dotnet "${command[0]}")
  local settings=(PORT=$((port + number)) OKMS_SILO_PORT=$((port + 10000 + number)) OKMS_CLIENT_PORT=$((port + 20000 + number))
    OKMS_DATA_DIR="$work/$number" OKMS_REQUEST_LOG=false OKMS_DASHBOARD=false)
  [ -z "${PGURL:-}" ] || settings+=(DATABASE_URL="$PGURL/${databases[$number]}" OKMS_GATEWAY=true OKMS_INSECURE_CLUSTER_NETWORK=true)
  exec env -u OKMS_TEST_DATABASE_URL "${settings[@]}" "${command[@]}" "$@"
}

start() {
  (program "$1") >"$work/$1.log" 2>&1 &
  pids[$1]=$!
  until curl -fsS -o /dev/null "http://127.0.0.1:$((port + $1))/health/ready" 2>/dev/null; do
    kill -0 "${pids[$1]}" || { cat "$work/$1.log"; exit 1; }
    sleep 0.1
  done
}

stop() { kill "${pids[$1]}"; wait "${pids[$1]}" || true; }

# NUMBER NAME ACTION OPTION…: one measurement, printed.
measure() {
  local number=$1 name=$2 action=$3 before postgres_before machine_before used of_postgres all figures done_keys
  shift 3
  before=$(ticks "${pids[$number]}") postgres_before=$(postgres) machine_before=$(machine)
  figures=$(bench "$action" "http://127.0.0.1:$((port + number))" "${tokens[$number]}" "$@")
  used=$(($(ticks "${pids[$number]}") - before)) of_postgres=$(($(postgres) - postgres_before)) all=$(($(machine) - machine_before))
  done_keys=${figures%% *}
  awk -v name="$name" -v n="$done_keys" -v s="$used" -v p="$of_postgres" -v all="$all" -v figures="${figures#* * * }" 'BEGIN {
    printf "%-32s %s  us CPU each: service %.0f, Postgres %.0f, loader and others %.0f\n", name, figures, s * 1e4 / n, p * 1e4 / n, (all - s - p) * 1e4 / n }'
}

programs=("$@")
tokens=()
next=()
for number in "${!programs[@]}"; do
  install -d -m 0700 "$work/$number"
  next[$number]=0
  if [ -n "${PGURL:-}" ]; then
    databases[$number]=okms_bench_$(random | tr -dc a-z0-9)
    psql -qX "$PGURL/postgres" -c "CREATE DATABASE ${databases[$number]}"
    tokens[$number]=$(program "$number" create-administrator 2>/dev/null)
  else
    tokens[$number]=$(random)
    (umask 077 && printf '%s\n' "${tokens[$number]}" >"$work/$number/admin.token")
  fi
  start "$number"
  measure "$number" "warm-up ${programs[$number]##*/}" create first=90000000 count=200000 seconds="${WARM_UP:-20}" >/dev/null
done

for round in $(seq "$rounds"); do
  for number in "${!programs[@]}"; do
    measure "$number" "creates, $number, round $round" create first="${next[$number]}" count=200000 seconds="$seconds"
    next[$number]=$((next[number] + 200000))
  done
done

for number in "${!programs[@]}"; do
  measure "$number" "bulk creates, $number" create-many first=50000000 count="$keys"
done
for number in "${!programs[@]}"; do
  stop "$number"
  start "$number"
  measure "$number" "warm-up" encrypt first=90000000 count=3000 >/dev/null
  measure "$number" "cold encryptions, $number" encrypt first=50000000 count="$keys" shuffle=yes file="$work/$number.ciphertexts"
  stop "$number"
  start "$number"
  head -n 3000 "$work/$number.ciphertexts" >"$work/first"
  measure "$number" "warm-up" decrypt file="$work/first" >/dev/null
  tail -n +3001 "$work/$number.ciphertexts" >"$work/rest"
  measure "$number" "cold decryptions, $number" decrypt file="$work/rest"
done
