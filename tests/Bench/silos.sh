#!/usr/bin/env bash
# CPU of one encryption of 1 KiB over HTTP through one gateway, with 1, 2, 3 and 4 silos on the same machine under the same load.
#
#   DATABASE_URL=postgres://… tests/Bench/silos.sh [tls]
#
# The database must be empty; Postgres may be anywhere. With "tls" the members speak mutual TLS with certificates of
# deploy/certs.sh, otherwise in the clear. Needs wrk. A call reaches some silo from the gateway, and from there, with n silos, the
# silo of its key in n-1 of n cases: that is the remote hop. Prints a line for each load: CPU microseconds a request of all
# silos and of the gateway, requests/s, p50 and p99 in ms, errors, and the share of the machine's CPU that something else used.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${DATABASE_URL:?an empty database}"
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-8}
counts=${SILOS:-1 2 3 4}
export KEYS=64
work=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

ticks() { local sum=0 pid; for pid in "$@"; do sum=$((sum + $(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat"))); done; echo "$sum"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
children() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$$/stat"; }

dotnet build -c Release --nologo -v q silo >/dev/null
dotnet build -c Release --nologo -v q gateway >/dev/null
if [ "${1:-}" = tls ]; then
  deploy/certs.sh --dir "$work/certs" ca >/dev/null
  deploy/certs.sh --dir "$work/certs" silo silo 127.0.0.1 >/dev/null
  deploy/certs.sh --dir "$work/certs" gateway gateway >/dev/null
  tls() { echo "OKMS_TLS_CA=$work/certs/ca.pem OKMS_TLS_CERT=$work/certs/$1.pem OKMS_TLS_KEY=$work/certs/$1.key"; }
else
  tls() { echo OKMS_INSECURE_CLUSTER_NETWORK=true; }
fi
export OKMS_REQUEST_LOG=false

silo() { # NUMBER [ARGUMENT…]
  local number=$1
  shift
  # shellcheck disable=SC2046
  exec env $(tls silo) PORT=$((8410 + number)) OKMS_SILO_PORT=$((11410 + number)) OKMS_CLIENT_PORT=$((30410 + number)) \
    OKMS_DATA_DIR="$work/data" dotnet silo/bin/Release/net10.0/OrleansKms.Silo.dll "$@"
}
ready() { until curl -fsS -o /dev/null "http://127.0.0.1:$1/health/ready" 2>/dev/null; do sleep 0.2; done; }

TOKEN=$(silo 0 create-administrator)
export TOKEN
for round in $(seq "$rounds"); do
  for count in $counts; do
    silos=()
    for number in $(seq "$count"); do
      (silo "$number") >"$work/silo-$number.log" 2>&1 &
      silos+=("$!")
    done
    for number in $(seq "$count"); do ready $((8410 + number)); done
    # shellcheck disable=SC2046
    env $(tls gateway) PORT=8410 dotnet gateway/bin/Release/net10.0/OrleansKms.Gateway.dll >"$work/gateway.log" 2>&1 &
    gateway=$!
    pids=("${silos[@]}" "$gateway")
    ready 8410
    for key in $(seq "$KEYS"); do
      curl -sS -o /dev/null -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
        -d "{\"id\":\"bench.k$key\"}" http://127.0.0.1:8410/v1/keys
    done
    # A warm-up, until the compiler is done; then what counts.
    for pass in warm counted; do
      silos_before=$(ticks "${silos[@]}") gateway_before=$(ticks "$gateway") machine_before=$(machine) children_before=$(children)
      out=$(wrk -t1 -c32 -d"${seconds}s" --timeout 5s -s tests/Bench/keys.lua http://127.0.0.1:8410/encrypt | tail -1)
      silos_used=$(($(ticks "${silos[@]}") - silos_before)) gateway_used=$(($(ticks "$gateway") - gateway_before))
      other=$(($(machine) - machine_before - silos_used - gateway_used - ($(children) - children_before)))
      [ "$pass" = counted ] || continue
      read -r requests rest <<<"$out"
      awk -v round="$round" -v count="$count" -v n="$requests" -v rest="$rest" -v s="$silos_used" -v g="$gateway_used" -v other="$other" 'BEGIN {
        split(rest, f, " ")
        printf "round %d  %d silos  cpu %.1f us = silos %.1f + gateway %.1f  %6s req/s  p50 %6s ms  p99 %7s ms  errors %s  other %.1f s\n",
          round, count, (s + g) * 1e4 / n, s * 1e4 / n, g * 1e4 / n, f[1], f[2], f[3], f[4], other / 100 }'
    done
    kill "${pids[@]}"
    for pid in "${pids[@]}"; do wait "$pid" || true; done
    pids=()
  done
done
