#!/usr/bin/env bash
# CPU of a remote hop: all requests enter one of 2, 3 and 4 silos, alternately for keys that live on it (here), on one other silo (one)
# and on all others (all). Everything else is the same, so the difference is the cost of forwarding a request to another silo and its
# answer back, with the whole load on one peer and with the load spread over all peers.
#
#   DATABASE_URL=postgres://… [TLS=1] tests/Bench/hop.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
warm_up=${WARM_UP:-20}
counts=${SILOS:-2 3 4}
SILO_SETTINGS=OKMS_GATEWAY=true
# shellcheck source=tests/Bench/cluster.sh
. tests/Bench/cluster.sh

# A key lives on the silo that reported creating it.
keys_of() { cat "$@" | sed -n 's/.*"message":"key bench\.k\([0-9]*\): create,.*/\1/p' | head -12 | tr '\n' ' '; }

for count in $counts; do
  # New keys, created by the silos of this run.
  KEYS=$((KEYS + 64))
  start_cluster "$count"
  declare -A keys=()
  for number in $(seq "$count"); do keys[$number]=$(keys_of "$work/silo-$number.log"); done
  keys[here]=${keys[1]} keys[one]=${keys[2]}
  keys[all]=$(for number in $(seq 2 "$count"); do tr ' ' '\n' <<<"${keys[$number]}" | head -$((12 / (count - 1))); done | tr '\n' ' ')
  # shellcheck disable=SC2086
  for where in here one all; do load warm-up "$warm_up" 8411 ${keys[$where]} >/dev/null; done
  for round in $(seq "$rounds"); do
    # shellcheck disable=SC2086
    for where in here one all; do load "$count silos  round $round  $where" "$seconds" 8411 ${keys[$where]}; done
  done
  stop_cluster
done
