#!/usr/bin/env bash
# Latencies of the first ten seconds after a cold start: `POST /encrypt`, 1 KiB, in an open loop at a fixed rate, measured from the time
# each request was due. Of the published program, on an empty data directory, from the moment it reports ready.
#
#   tests/Bench/cold.sh [PROGRAM…]
#
# PROGRAM is an executable of a silo, or one that dotnet runs (….dll); by default deploy/publish.sh makes it. Several are measured in
# turn. RATE (2000), SECONDS_EACH (10) and ROUNDS (3) can be set.
set -euo pipefail
cd "$(dirname "$0")/../.."
rate=${RATE:-2000}
seconds=${SECONDS_EACH:-10}
rounds=${ROUNDS:-3}
port=${PORT:-8780}
work=$(mktemp -d)
pid=
loader=
finish() { for running in $pid $loader; do kill "$running" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

programs=("$@")
if [ ${#programs[@]} -eq 0 ]; then
  deploy/publish.sh linux-x64 >/dev/null
  programs=(artifacts/linux-x64/okms)
fi
[ -n "${NO_BUILD:-}" ] || dotnet build -c Release --nologo -v q tests/Bench >/dev/null
printf '{"key_id":"k0","plaintext":"%s"}' "$(head -c 1024 /dev/urandom | base64 -w0)" >"$work/body.json"
token=$(head -c 24 /dev/urandom | base64 -w0 | tr '+/' '-_')

machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

for round in $(seq "$rounds"); do
  for program in "${programs[@]}"; do
    rm -rf "$work/data" "$work/go"
    install -d -m 0700 "$work/data"
    (umask 077 && printf '%s\n' "$token" >"$work/data/admin.token")
    dotnet tests/Bench/bin/Release/net10.0/OrleansKms.Tests.Bench.dll \
      paced "http://127.0.0.1:$port/encrypt" "$token" "$work/body.json" "$rate" "$seconds" "$work/go" >"$work/figures" &
    loader=$!
    sleep 5 # Its own warm-up takes three seconds.
    command=("$program")
    [ "${program%.dll}" = "$program" ] || command=(dotnet "$program")
    env -u OKMS_TEST_DATABASE_URL PORT=$port OKMS_SILO_PORT=$((port + 10000)) OKMS_DATA_DIR="$work/data" "${command[@]}" >"$work/silo.log" 2>&1 &
    pid=$!
    until curl -fsS -o /dev/null "http://127.0.0.1:$port/health/ready" 2>/dev/null; do kill -0 "$pid" || { cat "$work/silo.log"; exit 1; }; sleep 0.02; done
    curl -fsS -o /dev/null -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{"id":"k0"}' "http://127.0.0.1:$port/v1/keys"
    before=$(ticks "$pid") loader_before=$(ticks "$loader") machine_before=$(machine)
    touch "$work/go"
    sleep "$seconds"
    used=$(($(ticks "$pid") - before)) loaded=$(($(ticks "$loader") - loader_before))
    other=$(($(machine) - machine_before - used - loaded))
    wait "$loader"
    echo "round $round  $program  service $((used / 100)).$((used % 100 / 10)) s of CPU, loader $((loaded / 100)).$((loaded % 100 / 10)) s, others $((other / 100)).$((other % 100 / 10)) s"
    sed 's/^/  /' "$work/figures"
    kill "$pid"
    wait "$pid" || true
    pid='' loader=''
  done
done
