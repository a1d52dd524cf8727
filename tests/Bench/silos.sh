#!/usr/bin/env bash
# CPU of one encryption of 1 KiB over HTTP through one gateway, with 1, 2, 3 and 4 silos on the same machine under the same load.
#
#   DATABASE_URL=postgres://… [TLS=1] tests/Bench/silos.sh
#
# Needs wrk. A call reaches some silo from the gateway, and from there, with n silos, the silo of its key in n-1 of n cases: that is
# the remote hop. Prints a line for each load: CPU microseconds a request of all silos and of the gateway, requests/s, p50 and
# p99 in ms, errors, and the seconds of CPU that something else used.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-8}
warm_up=${WARM_UP:-20}
counts=${SILOS:-1 2 3 4}
# shellcheck source=tests/Bench/cluster.sh
. tests/Bench/cluster.sh

ticks() { local sum=0 pid; for pid in "$@"; do sum=$((sum + $(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat"))); done; echo "$sum"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
children() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$$/stat"; }

load() {
  local silos_before gateway_before machine_before children_before out requests rest silos_used gateway_used other
  silos_before=$(ticks "${silos[@]}") gateway_before=$(ticks "$gateway") machine_before=$(machine) children_before=$(children)
  out=$(wrk -t1 -c32 -d"$2s" --timeout 5s -s tests/Bench/keys.lua http://127.0.0.1:8410/encrypt | tail -1)
  silos_used=$(($(ticks "${silos[@]}") - silos_before)) gateway_used=$(($(ticks "$gateway") - gateway_before))
  other=$(($(machine) - machine_before - silos_used - gateway_used - ($(children) - children_before)))
  read -r requests rest <<<"$out"
  awk -v name="$1" -v n="$requests" -v rest="$rest" -v s="$silos_used" -v g="$gateway_used" -v other="$other" 'BEGIN {
    split(rest, f, " ")
    printf "%s  cpu %.1f us = silos %.1f + gateway %.1f  %6s req/s  p50 %6s ms  p99 %7s ms  errors %s  other %.1f s\n",
      name, (s + g) * 1e4 / n, s * 1e4 / n, g * 1e4 / n, f[1], f[2], f[3], f[4], other / 100 }'
}

for round in $(seq "$rounds"); do
  for count in $counts; do
    start_cluster "$count"
    # A warm-up, until the compiler is done in every process; then what counts.
    load warm-up "$warm_up" >/dev/null
    load "round $round  $count silos" "$seconds"
    stop_cluster
  done
done
