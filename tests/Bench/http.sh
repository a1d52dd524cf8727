#!/usr/bin/env bash
# CPU of one encryption of 1 KiB over HTTP (JSON, 32 connections), against another service loaded alternately in the same run.
#
#   tests/Bench/http.sh [BASELINE]
#
# BASELINE is an executable that listens on 127.0.0.1:8300 and answers POST /encrypt for key k0 to the token "bench".
# Needs wrk. Prints a line for each load: requests/s, p50 and p99 in ms, errors, CPU microseconds per request charged to the
# server, and the CPU time that other processes used (discard a line where that is above 1 s).
set -euo pipefail
cd "$(dirname "$0")/../.."
baseline=${1:-}
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-8}
port=${PORT:-8399}
work=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }

# load NAME URL PID BODY TOKEN SECONDS
load() {
  local before machine_before wrk_before out requests rest used total children
  before=$(ticks "$3"); machine_before=$(machine)
  wrk_before=$(awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$$/stat")
  out=$(BODY=$4 TOKEN=$5 wrk -t1 -c32 -d"$6s" --timeout 5s -s tests/Bench/post.lua "$2" | tail -1)
  used=$(($(ticks "$3") - before)); total=$(($(machine) - machine_before))
  children=$(($(awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$$/stat") - wrk_before))
  read -r requests rest <<<"$out"
  awk -v name="$1" -v n="$requests" -v rest="$rest" -v used="$used" -v other="$((total - used - children))" 'BEGIN {
    split(rest, f, " ")
    printf "%-10s %8s req/s  p50 %6s ms  p99 %7s ms  errors %s  cpu %.1f us  other %.1f s\n",
      name, f[1], f[2], f[3], f[4], used * 1e4 / n, other / 100 }'
}

dotnet build -c Release --nologo -v q silo >/dev/null
body=$work/body.json
printf '{"key_id":"k0","plaintext":"%s"}' "$(head -c 1024 /dev/urandom | base64 -w0)" >"$body"

PORT=$port OKMS_DATA_DIR=$work/data dotnet silo/bin/Release/net10.0/okms.dll >"$work/silo.log" 2>&1 &
silo=$!; pids+=("$silo")
until curl -fsS -o /dev/null "http://127.0.0.1:$port/health" 2>/dev/null; do kill -0 "$silo"; sleep 0.1; done
token=$(cat "$work/data/admin.token")
curl -fsS -o /dev/null -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d '{"id":"k0"}' "http://127.0.0.1:$port/v1/keys"

echo "cold: the first ten seconds of a new process"
load orleanskms "http://127.0.0.1:$port/encrypt" "$silo" "$body" "$token" 10
if [ -n "$baseline" ]; then
  "$baseline" >"$work/baseline.log" 2>&1 &
  pids+=("$!"); base=$!
  until curl -fsS -o /dev/null http://127.0.0.1:8300/health 2>/dev/null; do kill -0 "$base"; sleep 0.1; done
fi
echo "warm"
for _ in $(seq "$rounds"); do
  load orleanskms "http://127.0.0.1:$port/encrypt" "$silo" "$body" "$token" "$seconds"
  [ -z "$baseline" ] || load baseline http://127.0.0.1:8300/encrypt "$base" "$body" bench "$seconds"
done
