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
work=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
children() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$1/stat"; }

# SOURCE: prints the directory of the built silo.
program() {
  if [ -f "$1/OrleansKms.Silo.dll" ]; then
    echo "$1"
    return
  fi
  local source=$PWD
  if [ "$1" != . ]; then
    source=$work/source-$1
    mkdir -p "$source"
    git archive "$1" | tar -x -C "$source"
  fi
  dotnet build -c Release --nologo -v q "$source/silo" >&2
  echo "$source/silo/bin/Release/net10.0"
}

# NAME DIRECTORY [SETTING…]: starts a silo; sets process[NAME], url[NAME], token[NAME].
declare -A process url token
start() {
  local name=$1 directory=$2
  shift 2
  port=$((port + 1))
  env -u OKMS_TEST_DATABASE_URL "$@" PORT=$port OKMS_SILO_PORT=$((port + 10000)) OKMS_DATA_DIR="$work/data-$name" \
    dotnet "$directory/OrleansKms.Silo.dll" >"$work/$name.log" 2>&1 &
  process[$name]=$! url[$name]=http://127.0.0.1:$port
  pids+=("$!")
  until curl -fsS -o /dev/null "${url[$name]}/health/ready" 2>/dev/null; do kill -0 "${process[$name]}" 2>/dev/null || { cat "$work/$name.log" >&2; exit 1; }; sleep 0.1; done
  token[$name]=$(cat "$work/data-$name/admin.token")
  post "$name" v1/keys '{"id":"k0"}' >/dev/null
}

post() {
  curl -fsS -X POST -H "Authorization: Bearer ${token[$1]}" -H 'Content-Type: application/json' -d "${3:-@-}" "${url[$1]}/$2"
}

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

# LOAD NAME SECONDS: prints LOAD NAME us requests/s p50 p99 errors other
load() {
  local self=$BASHPID server before machine_before children_before out requests rest used other
  server=$(server "$1" "$2")
  before=$(ticks "${process[$server]}") machine_before=$(machine) children_before=$(children "$self")
  out=$(BODY=$work/$1-$2.json TOKEN=${token[$server]} wrk -t1 -c"$(connections "$1")" -d"$3s" --timeout 5s -s tests/Bench/post.lua "${url[$server]}/$(path "$1")" | tail -1)
  used=$(($(ticks "${process[$server]}") - before))
  other=$(($(machine) - machine_before - used - ($(children "$self") - children_before)))
  read -r requests rest <<<"$out"
  awk -v head="$1 $2" -v n="$((requests * $(operations "$1")))" -v rest="$rest" -v used="$used" -v other="$other" \
    'BEGIN { printf "%s %.2f %s %.1f\n", head, used * 1e4 / n, rest, other / 100 }'
}

plaintext=$(head -c 1024 /dev/urandom | base64 -w0)
names=()
number=0
for source in "$@" .; do
  number=$((number + 1)) name=p$number
  directory=$(program "$source")
  echo "$name = $source"
  names+=("$name")
  start "$name" "$directory"
  case " $loads " in *" quiet "*) start "$name-quiet" "$directory" OKMS_REQUEST_LOG=false ;; esac
done
if [ -n "$baseline" ]; then
  "$baseline" >"$work/baseline.log" 2>&1 &
  pids+=("$!") process[baseline]=$! url[baseline]=http://127.0.0.1:8300 token[baseline]=bench
  until curl -fsS -o /dev/null "${url[baseline]}/health" 2>/dev/null; do sleep 0.1; done
fi

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
