#!/usr/bin/env bash
# CPU of an operation over HTTP before a change and after it: all-in-one silos of two or more programs, loaded in turn, in short
# rounds. The machine's speed drifts, so only ratios within one round are meaningful.
#
#   tests/Bench/ratio.sh [-b BASELINE] [COMMIT|DIRECTORY]…
#
# Each COMMIT is built from the repository, each DIRECTORY holds a built silo; the working tree as it is comes last. BASELINE is an
# executable as for http.sh. Prints a line for each load, then medians with the spread and the ratios to the first program, round by
# round. LOADS chooses from: single (/encrypt of 1 KiB), quiet (the same without request logs), batch (100 items of 1 KiB; figures
# are of one item), decrypt-batch, rewrap-batch. Needs wrk and jq.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-7}
seconds=${SECONDS_EACH:-3}
warm_up=${WARM_UP:-10}
loads=${LOADS:-single quiet batch decrypt-batch}
port=${PORT:-8720}
baseline=
[ "${1:-}" != -b ] || { baseline=$2; shift 2; }
# shellcheck source=tests/Bench/single.sh
. tests/Bench/single.sh

# LOAD: the program's process that takes it; NAME is the program.
server() { if [ "$1" = quiet ]; then echo "$2-quiet"; else echo "$2"; fi; }

# LOAD NAME: the request's body in a file, and its path, connections and operations a request.
prepare() {
  local body=$work/$1-$2.json
  case $1 in
    single | quiet) printf '{"key_id":"k0","plaintext":"%s"}' "$plaintext" >"$body" ;;
    batch | decrypt-batch | rewrap-batch)
      { printf '{"items":['; for i in $(seq 100); do printf '%s{"plaintext":"%s"}' "$([ "$i" = 1 ] || echo ,)" "$plaintext"; done; printf ']}'; } >"$body"
      [ "$1" = batch ] || post "$2" v1/keys/k0/encrypt <"$body" | jq -c '{items: [.results[] | {ciphertext}]}' >"$body.tmp"
      [ "$1" = batch ] || mv "$body.tmp" "$body"
      ;;
  esac
}
path() { case $1 in single | quiet) echo encrypt ;; batch) echo v1/keys/k0/encrypt ;; decrypt-batch) echo v1/keys/k0/decrypt ;; *) echo v1/keys/k0/rewrap ;; esac; }
connections() { case $1 in *batch) echo 8 ;; *) echo 32 ;; esac; }
operations() { case $1 in *batch) echo 100 ;; *) echo 1 ;; esac; }

# LOAD NAME SECONDS: prints LOAD NAME and what measure prints.
load() { echo "$1 $2 $(measure "$(server "$1" "$2")" "$(path "$1")" "$work/$1-$2.json" "$(connections "$1")" "$(operations "$1")" "$3")"; }

plaintext=$(head -c 1024 /dev/urandom | base64 -w0)
names=()
number=0
for source in "$@" .; do
  number=$((number + 1)) name=p$number
  directory=$(program "$source")
  echo "$name = $source"
  names+=("$name")
  start "$name" "$directory"
  post "$name" v1/keys '{"id":"k0"}' >/dev/null
  case " $loads " in *" quiet "*) start "$name-quiet" "$directory" OKMS_REQUEST_LOG=false; post "$name-quiet" v1/keys '{"id":"k0"}' >/dev/null ;; esac
done
[ -z "$baseline" ] || start_baseline "$baseline"

figures=$work/figures
for load in $loads; do
  with=("${names[@]}")
  if [ -n "$baseline" ] && [ "$load" = single ]; then with+=(baseline); fi
  for name in "${with[@]}"; do prepare "$load" "$name"; load "$load" "$name" "$warm_up" >/dev/null; done
  for _ in $(seq "$rounds"); do
    for name in "${with[@]}"; do load "$load" "$name" "$seconds" | tee -a "$figures"; done
  done
done

echo
python3 - "$figures" <<'PYTHON'
import sys
from statistics import median
figures = {}
for line in open(sys.argv[1]):
    load, name, us, *_ = line.split()
    figures.setdefault(load, {}).setdefault(name, []).append(float(us))
for load, programs in figures.items():
    first = next(iter(programs.values()))
    for name, us in programs.items():
        ratios = sorted(b / a for a, b in zip(first, us))
        print(f"{load:14} {name:9} {median(us):7.2f} us CPU ({min(us):.2f} to {max(us):.2f})   ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
PYTHON
