#!/usr/bin/env bash
# Cost of a start: each start is all in one, in a directory of its own, so with a new database.
#
#   tests/Bench/start.sh [PROGRAM [ARGUMENT...]]
#
# PROGRAM is what is started: without one, artifacts/linux-x64/okms of deploy/publish.sh. Settings come from the environment.
# Prints a line for each of ROUNDS starts: milliseconds from starting the process until /health/live answers, until /health/ready
# does, and until the first encryption (with a key made just before) has answered; the CPU that the process had used by then; and
# its memory in MiB, then and after IDLE seconds without a request; and last the medians and the least. Wall-clock times are meaningful only on a quiet
# machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-5}
idle=${IDLE:-10}
port=${PORT:-8397}
[ $# -gt 0 ] || set -- "$PWD/artifacts/linux-x64/okms"
work=$(mktemp -d)
pid=""
finish() { [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
exec 9<> <(:) # never anything to read: a pause without a process

now() { echo "${EPOCHREALTIME/./}"; }

# request METHOD PATH [BODY]: prints the status, nothing when nothing listens
request() {
  local method=$1 path=$2 body=${3:-} status=""
  { exec 8<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 0
  printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$method" "$path" "$authorization" "${#body}" "$body" >&8 || true
  read -r _ status _ <&8 || true
  exec 8>&-
  echo "$status"
}

# until STATUS METHOD PATH [BODY]
until_answered() {
  local status=$1
  shift
  until [ "$(request "$@")" = "$status" ]; do
    kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    read -r -t 0.002 -u 9 || true
  done
}

# The process that listens: PROGRAM itself or, with `dotnet run`, its child.
server() {
  local child
  child=$(pgrep -P "$pid" | head -1)
  echo "${child:-$pid}"
}

cpu() { awk '{ sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) * 10 }' "/proc/$pid/stat"; }
memory() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$(server)/status"; }

one_start() {
  local begin live ready first cpu_first memory_first
  rm -rf "$work/data" && mkdir "$work/data"
  authorization=""
  begin=$(now)
  PORT=$port OKMS_DATA_DIR="$work/data" "$@" >"$work/log" 2>&1 &
  pid=$!
  until_answered 200 GET /health/live
  live=$(now)
  until_answered 200 GET /health/ready
  ready=$(now)
  authorization="Authorization: Bearer $(<"$work/data/admin.token")"$'\r\n'
  until_answered 201 POST /v1/keys '{"id":"first"}'
  until_answered 200 POST /encrypt '{"key_id":"first","plaintext":"Zmlyc3Q="}'
  first=$(now)
  cpu_first=$(cpu)
  memory_first=$(memory)
  sleep "$idle"
  echo "$(((live - begin) / 1000)) $(((ready - begin) / 1000)) $(((first - begin) / 1000)) $cpu_first $memory_first $(memory)"
  kill "$(server)"
  wait "$pid" 2>/dev/null || true
  pid=""
}

least() { sort -n | head -n 1; }

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

show() { printf '%-8s live %5s ms  ready %5s ms  encrypted %5s ms  cpu %5s ms  memory %4s MiB, idle %4s MiB\n' "$@"; }

for round in $(seq "$rounds"); do
  one_start "$@" >"$work/result"
  cat "$work/result" >>"$work/results"
  # shellcheck disable=SC2046
  show "$round" $(<"$work/result")
done
# shellcheck disable=SC2046
show median $(for column in 1 2 3 4 5 6; do cut -d' ' -f "$column" "$work/results" | median; done)
# shellcheck disable=SC2046
show least $(for column in 1 2 3 4 5 6; do cut -d' ' -f "$column" "$work/results" | least; done)
