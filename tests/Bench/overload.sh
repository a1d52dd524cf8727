#!/usr/bin/env bash
# Behaviour under more load than a silo can carry: a gateway and one silo, whose CPU is capped so that the silo is the bottleneck, and
# requests in an open loop, first in a ramp that ends where no more are answered, then at 0.5, 1, 1.5, 2 and 3 times what the silo can
# carry at that moment.
#
#   DATABASE_URL=postgres://… tests/Bench/overload.sh
#
# The database must be empty. OPERATION is encrypt (1 KiB, the default) or sign (under 8 keys of SPEC, RSA_2048 by default), whose cost is
# the silo's alone. SILO_CPU is the silo's share of one core: 0.2, or 0.25 for sign. The cap is a control group's quota in periods of 5 ms,
# for which this must run as root; otherwise the silo is stopped and continued in such steps. SILO_CPU=1 leaves it its whole CPU: then
# gateway, silo and loader compete.
#
# Prints for each load what was offered and answered (the goodput, and its share of what the silo can carry), p50 and p99 of the answers,
# what was refused as overloaded, p50 and p99 of the refusals, and anything else; ROUNDS times (3), then the median goodput of each load with
# its spread. Needs wrk, python3 and a C compiler (cc or tcc).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-10}
connections_open=${OPEN_CONNECTIONS:-2000}
operation=${OPERATION:-encrypt}
if [ "$operation" = sign ]; then share=${SILO_CPU:-0.25} start=${RAMP_FROM:-40}; else share=${SILO_CPU:-0.2} start=${RAMP_FROM:-1000}; fi
export CONNECTIONS=64
ulimit -n "$(ulimit -Hn)"
# shellcheck source=tests/Bench/cluster.sh
. tests/Bench/cluster.sh

# SHARE PID: caps the process by a control group, of either version.
cap_by_group() {
  local period quota
  # The least quota is 1 ms.
  period=$(awk -v s="$1" 'BEGIN { print (s < 0.2 ? int(1000 / s + 1) : 5000) }')
  quota=$(awk -v p="$period" -v s="$1" 'BEGIN { printf "%d", p * s }')
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    group=/sys/fs/cgroup/okms-overload-$$
    mkdir "$group" 2>/dev/null && echo "$quota $period" >"$group/cpu.max" 2>/dev/null || return 1
  else
    group=/sys/fs/cgroup/cpu/okms-overload-$$
    mkdir "$group" 2>/dev/null && echo "$period" >"$group/cpu.cfs_period_us" && echo "$quota" >"$group/cpu.cfs_quota_us" || return 1
  fi
  echo "$2" >"$group/cgroup.procs"
}

# SHARE PID: caps the process by signals.
cap_by_signals() {
  python3 - "$2" "$1" <<'PYTHON' &
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
  # It ends first, so that it stops nothing that is about to end.
  pids=("$!" "${pids[@]}")
}

"$(command -v cc || command -v tcc)" -O2 -o "$work/openloop" tests/Bench/openloop.c
[ "$operation" = encrypt ] || export KEYS=0
start_cluster 1

keys=64
for key in $(seq "$keys"); do
  if [ "$operation" = encrypt ]; then
    path=v1/keys/bench.k$key/encrypt
    body=$(printf '{"plaintext":"%s"}' "$(head -c 1024 /dev/zero | base64 -w0)")
  else
    [ "$key" -le 8 ] || break
    # Making one may take longer than a request may.
    until call v1/keys "{\"id\":\"bench.s$key\",\"spec\":\"${SPEC:-RSA_2048}\"}" >/dev/null 2>&1; do sleep 0.2; done
    path=v1/keys/bench.s$key/sign
    body='{"message":"bWVzc2FnZQ==","algorithm":"RSASSA_PSS_SHA_256"}'
  fi
  printf 'POST /%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$path" "$TOKEN" "${#body}" "$body" >"$work/request-$key"
done

# RATE SECONDS: sent, answered, refused, others, unanswered; p50 and p99 of answers, then of refusals, in ms.
offer() { "$work/openloop" 8410 "$1" "$2" "$connections_open" "$work"/request-*; }

# Warm-up with all of the CPU: everything is compiled and the keys are active before anything is measured.
saturated() { "$work/openloop" 8410 0 "$1" 48 "$work"/request-* | awk -v s="$1" '{ printf "%.1f", $2 / s }'; }
saturated "${WARM_UP:-30}" >/dev/null
if [ "$share" != 1 ]; then
  if cap_by_group "$share" "${silos[0]}"; then trap 'finish; rmdir "$group"' EXIT; else cap_by_signals "$share" "${silos[0]}"; fi
  offer "$start" 5 >/dev/null
fi

# Each step offers a quarter more. It ends where two steps in turn answered no more than was answered before.
peak=0 flat=0 rate=$start
while [ "$flat" -lt 2 ]; do
  answered=$(offer "$rate" "$seconds" | awk -v s="$seconds" '{ printf "%.1f", $2 / s }')
  echo "ramp: offered $rate/s, answered $answered/s"
  if awk -v a="$answered" -v p="$peak" 'BEGIN { exit !(a > p * 1.02) }'; then flat=0; else flat=$((flat + 1)); fi
  peak=$(awk -v a="$answered" -v p="$peak" 'BEGIN { print (a > p ? a : p) }')
  rate=$(awk -v r="$rate" 'BEGIN { printf "%d", r * 1.25 }')
done

echo "peak: $peak/s, of a silo with $share of a core"

# The machine's speed drifts, so just before each load the silo is saturated by a few connections that wait for their answers: the goodput
# is a share of what they get. CPU is the silo's, for each answer.
measure() {
  local now before measured used
  now=$(saturated "$seconds")
  before=$(ticks "${silos[@]}")
  measured=$(offer "$(awk -v p="$now" -v t="$1" 'BEGIN { printf "%d", p * t }')" "$seconds")
  used=$(($(ticks "${silos[@]}") - before))
  awk -v t="$1" -v s="$seconds" -v now="$now" -v used="$used" '{
    printf "%s x %d/s: offered %d/s, answered %d/s (%.0f%%; p50 %s ms, p99 %s ms; cpu %.2f ms), overloaded %d/s (p50 %s ms, p99 %s ms), other %d, unanswered %d\n",
      t, now, $1 / s, $2 / s, 100 * $2 / s / now, $6, $7, used * 10 / ($2 * (s + 1) / s + 1), $3 / s, $8, $9, $4, $5 }' <<<"$measured"
}

loads="0.5 1 1.5 2 3"
for _ in $(seq "${ROUNDS:-3}"); do
  for times in $loads; do measure "$times"; done
done | tee "$work/rounds"
for times in $loads; do
  sed -n "s/^$times x .* answered [0-9]*\/s (\([0-9]*\)%.*/\1/p" "$work/rounds" | sort -n |
    awk -v t="$times" '{ a[NR] = $1 } END { printf "%s x: goodput %s%% (%s to %s)\n", t, a[int((NR + 1) / 2)], a[1], a[NR] }'
done
