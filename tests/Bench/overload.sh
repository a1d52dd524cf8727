#!/usr/bin/env bash
# Behaviour under more load than a silo can carry: a gateway and one silo, whose CPU share is capped so that the silo is the bottleneck
# (SILO_CPU=0.3; in steps of 5 ms), and /encrypt of 1 KiB in an open loop at 0.5, 1, 1.5 and 2 times the peak. The peak is the
# throughput of the same cluster in a closed loop with 64 connections.
#
#   DATABASE_URL=postgres://… tests/Bench/overload.sh
#
# The database must be empty. Prints for each load what was offered, answered (the goodput, and its share of the peak), refused as
# overloaded, left unanswered, and p50 and p99 of the answers. SILO_CPU=1 leaves the silo its whole CPU: then gateway, silo and loader
# compete. Needs wrk, python3 and a C compiler (cc or tcc).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-10}
connections_open=${OPEN_CONNECTIONS:-2000}
share=${SILO_CPU:-0.3}
export CONNECTIONS=64
ulimit -n "$(ulimit -Hn)"
# shellcheck source=tests/Bench/cluster.sh
. tests/Bench/cluster.sh

"$(command -v cc || command -v tcc)" -O2 -o "$work/openloop" tests/Bench/openloop.c
start_cluster 1
if [ "$share" != 1 ]; then
  python3 - "${silos[0]}" "$share" <<'PYTHON' &
import os, signal, sys, time
pid, share, period = int(sys.argv[1]), float(sys.argv[2]), 0.005
try:
    while True:
        os.kill(pid, signal.SIGCONT)
        time.sleep(period * share)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(period * (1 - share))
except ProcessLookupError:
    pass
PYTHON
  pids+=("$!")
fi

body=$(printf '{"key_id":"bench.k1","plaintext":"%s"}' "$(head -c 1024 /dev/urandom | base64 -w0)")
printf 'POST /encrypt HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
  "$TOKEN" "${#body}" "$body" >"$work/request"

# Warm-up: everything is compiled and the key is active before anything is measured.
load "warm-up" "${WARM_UP:-10}"
peak=$(load "peak" "$seconds" | tee /dev/stderr | sed -n 's/.* \([0-9.]*\) req\/s.*/\1/p')
for times in 0.5 1 1.5 2; do
  rate=$(awk -v p="$peak" -v t="$times" 'BEGIN { printf "%d", p * t }')
  "$work/openloop" 8410 "$rate" "$seconds" "$connections_open" "$work/request" | awk -v t="$times" -v s="$seconds" -v peak="$peak" '{
    printf "%s x peak: offered %d/s, answered %d/s (%.0f%% of the peak), overloaded %d/s, other %d, unanswered %d, p50 %s ms, p99 %s ms\n",
      t, $1 / s, $2 / s, 100 * $2 / s / peak, $3 / s, $4, $5, $6, $7 }'
done
