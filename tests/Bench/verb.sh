#!/usr/bin/env bash
# Cost of a command that calls a service: ROUNDS runs of `okms keys show first` against a service beside it that is warm.
#
#   tests/Bench/verb.sh [PROGRAM [ARGUMENT...]]
#
# PROGRAM is the program: without one, artifacts/okms of deploy/publish.sh. Prints the least and the median of: milliseconds from starting
# the process until the service has answered its request, by the service's log, until the process has ended, and its CPU. Wall-clock times
# are meaningful only on a quiet machine; the least of many runs comes near to it.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-20}
port=${PORT:-8396}
[ $# -gt 0 ] || set -- "$PWD/artifacts/okms"
work=$(mktemp -d)
pid=""
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

PORT=$port OKMS_DATA_DIR="$work/data" OKMS_LOG_FORMAT=json "$@" >"$work/log" 2>&1 &
pid=$!
until PORT=$port "$@" healthcheck >/dev/null; do kill -0 "$pid"; done
export OKMS_URL=http://127.0.0.1:$port OKMS_TOKEN_FILE=$work/data/admin.token
"$@" keys create first >/dev/null

# The log's times are in UTC, with milliseconds.
answered() { tail -n 1 "$work/log" | sed 's/.*"time":"\([^"]*\)".*/\1/'; }
TIMEFORMAT='%U %S'
for round in $(seq "$rounds"); do
  begin=${EPOCHREALTIME/./}
  { time "$@" keys show first >/dev/null; } 2>"$work/cpu"
  end=${EPOCHREALTIME/./}
  [ "$round" -gt 3 ] || continue # These warm the service and the page cache.
  until [ "$(answered)" != "${last:-}" ]; do :; done
  last=$(answered)
  echo "$(($(date -d "$last" +%s%6N) - begin)) $((end - begin)) $(awk '{ print ($1 + $2) * 1000000 }' "$work/cpu")" >>"$work/results"
done
for column in 1 2 3; do
  cut -d' ' -f "$column" "$work/results" | sort -n | awk -v name="$(cut -d, -f "$column" <<<"answered,ended,cpu")" \
    '{ v[NR] = $1 / 1000 } END { printf "%-8s least %4.0f ms  median %4.0f ms\n", name, v[1], v[int((NR + 1) / 2)] }'
done
