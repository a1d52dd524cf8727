#!/usr/bin/env bash
# How long the keys of a killed silo, and of a frozen one, stay unavailable: three silos with default settings, and a client that keeps
# calling all keys. Prints the seconds from the signal until every key has answered.
#
#   DATABASE_URL=postgres://… [TLS=1] tests/Bench/failover.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
# shellcheck source=tests/Bench/cluster.sh
. tests/Bench/cluster.sh

seconds_until_all_answer() {
  local since=$1 key
  for key in $(seq "$KEYS"); do
    until call encrypt "{\"key_id\":\"bench.k$key\",\"plaintext\":\"AQ==\"}" -o /dev/null --max-time 6 2>/dev/null; do :; done
  done
  awk -v since="$since" -v now="$(date +%s.%N)" 'BEGIN { printf "%.1f", now - since }'
}

for round in $(seq "$rounds"); do
  for signal in KILL STOP; do
    start_cluster 3
    seconds_until_all_answer 0 >/dev/null
    since=$(date +%s.%N)
    kill -"$signal" "${silos[2]}"
    echo "round $round  SIG$signal: $(seconds_until_all_answer "$since") s"
    kill -KILL "${silos[2]}" 2>/dev/null || true
    stop_cluster
  done
done
