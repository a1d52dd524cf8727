#!/usr/bin/env bash
# What access control, limits and the audit trail cost: CPU of one encryption of 1 KiB over HTTP, in turn in one run, in short rounds.
# The machine's speed drifts, so only ratios within one round are meaningful.
#
#   tests/Bench/full.sh [-b BASELINE] [COMMIT|DIRECTORY]…
#
# "full" signs in by the API token of a principal with a policy of two statements, under a key with its own policy; key, principal and
# namespace have limits, and the audit trail is blocking. "bare" has the administrator's token, whom no policy binds, no limits and no
# audit trail. Both log requests and count metrics. BASELINE is an executable as for http.sh. Each COMMIT is built from the repository,
# each DIRECTORY holds a built silo; the working tree as it is comes last, unless a directory was named. Prints a line for each load,
# then medians with the spread and the ratios round by round; and last p99 in an open loop at half of the load that saturates each.
# VARIANTS chooses from full, bare, and between them: token (bare but for an API token and its policy), limits (token, with limits),
# audit (bare but for the audit trail), uncopied (full without the copy for search). Needs wrk, jq and a C compiler (cc or tcc).
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-9}
seconds=${SECONDS_EACH:-3}
warm_up=${WARM_UP:-10}
variants=${VARIANTS:-full bare}
port=${PORT:-8740}
baseline=
[ "${1:-}" != -b ] || { baseline=$2; shift 2; }
# shellcheck source=tests/Bench/single.sh
. tests/Bench/single.sh

plaintext=$(head -c 1024 /dev/urandom | base64 -w0)
limit='[{"count":1000000000,"per":"PT1M"}]'

# NAME: the principal, and its token in the place of the administrator's.
sign_in() {
  post "$1" v1/policies/bench '{"statements":[
    {"effect":"allow","actions":["use"],"keys":["bench.*"],"when":{"source":["127.0.0.0/8"]}},
    {"effect":"deny","actions":["keys:decrypt"],"keys":["*"],"when":{"kind":"data_key"}}]}' PUT >/dev/null
  post "$1" v1/principals "{\"name\":\"bench-app\",\"policies\":[\"bench\"]$2}" >/dev/null
  token[$1]=$(post "$1" v1/principals/bench-app/tokens '{}' | jq -r .token)
}

# NAME VARIANT DIRECTORY
start_variant() {
  local body=$work/$1.json
  case $2 in
    full | audit) start "$1" "$3" OKMS_AUDIT=blocking ;;
    uncopied) start "$1" "$3" OKMS_AUDIT=blocking OKMS_AUDIT_COPY_RATE=0 ;;
    *) start "$1" "$3" OKMS_AUDIT=off ;;
  esac
  case $2 in
    full | uncopied | limits)
      post "$1" v1/keys "{\"id\":\"bench.k0\",\"limits\":$limit}" >/dev/null
      [ "$2" = limits ] || post "$1" v1/keys/bench.k0/policy '{"statements":[{"effect":"allow","actions":["use"],"principals":["bench-*"]}]}' PUT >/dev/null
      post "$1" v1/namespaces/bench/limits "{\"limits\":$limit}" PUT >/dev/null
      sign_in "$1" ",\"limits\":$limit"
      ;;
    *)
      post "$1" v1/keys '{"id":"bench.k0"}' >/dev/null
      [ "$2" != token ] || sign_in "$1" ""
      ;;
  esac
  printf '{"key_id":"bench.k0","plaintext":"%s"}' "$plaintext" >"$body"
}

# NAME SECONDS: prints NAME and what measure prints.
load() { echo "$1 $(measure "$1" encrypt "$work/$1.json" 32 1 "$2")"; }

[ $# -gt 0 ] || set -- .
names=()
number=0
for source in "$@"; do
  number=$((number + 1))
  directory=$(program "$source")
  for variant in $variants; do
    name=$variant; [ $# -eq 1 ] || name=$variant-$number
    [ "$variant" != "${variants%% *}" ] || echo "$name = $source"
    start_variant "$name" "$variant" "$directory"
    names+=("$name")
  done
done
if [ -n "$baseline" ]; then
  start_baseline "$baseline"
  printf '{"key_id":"k0","plaintext":"%s"}' "$plaintext" >"$work/baseline.json"
  names+=(baseline)
fi

figures=$work/figures
for name in "${names[@]}"; do load "$name" "$warm_up" >/dev/null; done
for _ in $(seq "$rounds"); do
  for name in "${names[@]}"; do load "$name" "$seconds" | tee -a "$figures"; done
done

# At half of what saturates each, in an open loop: a line NAME RATE OK SHED OTHER UNANSWERED P50 P99 for each round.
latencies=$work/latencies
: >"$latencies"
if [ -z "${NO_LATENCY:-}" ]; then
  "$(command -v cc || command -v tcc)" -O2 -o "$work/openloop" tests/Bench/openloop.c
  for name in "${names[@]}"; do
    body=$(cat "$work/$name.json")
    printf 'POST /encrypt HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
      "${token[$name]}" "${#body}" "$body" >"$work/$name.request"
  done
  for _ in $(seq "$rounds"); do
    for name in "${names[@]}"; do
      rate=$(awk -v name="$name" '$1 == name { print $3 }' "$figures" | sort -n | awk '{ v[NR] = $1 } END { printf "%d", v[int((NR + 1) / 2)] / 2 }')
      echo "$name $rate $("$work/openloop" "${url[$name]##*:}" "$rate" "$seconds" 64 "$work/$name.request" | cut -d' ' -f2-)" | tee -a "$latencies"
    done
  done
fi

echo
python3 - "$figures" "$latencies" <<'PYTHON'
import sys
from statistics import median
def read(path, column):
    values = {}
    for line in open(path):
        fields = line.split()
        values.setdefault(fields[0], []).append(float(fields[column]))
    return values
def spread(values): return f"{median(values):7.2f} ({min(values):.2f} to {max(values):.2f})"
def ratios(values, unit):
    for name, of in values.items():
        line = f"{name:12} {spread(of)} {unit}"
        for other, beside in values.items():
            if name.split("-")[0] == "full" and other != name and (other == "baseline" or name.split("-")[1:] == other.split("-")[1:]):
                line += f"   {spread([a / b for a, b in zip(of, beside)])} of {other}"
        print(line)
ratios(read(sys.argv[1], 1), "us CPU")
latencies = read(sys.argv[2], 7)
if latencies:
    print()
    ratios(latencies, "ms p99 at half of the saturating load")
PYTHON
