# Sourced by benchmarks of all-in-one silos: starts programs, loads them with wrk, and reads what CPU they used. The caller has set
# port; everything ends with the script. Needs wrk and jq.
work=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
children() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$1/stat"; }

# SOURCE: prints the directory of the built silo. SOURCE is such a directory, a commit, or . for the working tree.
program() {
  if [ -f "$1/okms.dll" ] || [ -f "$1/OrleansKms.Silo.dll" ]; then
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
  local program=$directory/okms.dll
  [ -f "$program" ] || program=$directory/OrleansKms.Silo.dll # of a commit from before silo and gateway were one program
  shift 2
  port=$((port + 1))
  env -u OKMS_TEST_DATABASE_URL "$@" PORT=$port OKMS_SILO_PORT=$((port + 10000)) OKMS_DATA_DIR="$work/data-$name" \
    dotnet "$program" >"$work/$name.log" 2>&1 &
  process[$name]=$! url[$name]=http://127.0.0.1:$port
  pids+=("$!")
  until curl -fsS -o /dev/null "${url[$name]}/health/ready" 2>/dev/null; do kill -0 "${process[$name]}" 2>/dev/null || { cat "$work/$name.log" >&2; exit 1; }; sleep 0.1; done
  token[$name]=$(cat "$work/data-$name/admin.token")
}

# EXECUTABLE: starts the baseline, which listens on 127.0.0.1:8300 and answers POST /encrypt for key k0 to the token "bench".
start_baseline() {
  "$1" >"$work/baseline.log" 2>&1 &
  pids+=("$!")
  process[baseline]=$! url[baseline]=http://127.0.0.1:8300 token[baseline]=bench
  until curl -fsS -o /dev/null "${url[baseline]}/health" 2>/dev/null; do sleep 0.1; done
}

# NAME PATH [BODY [METHOD]]: the body from the standard input if there is none.
post() {
  curl -fsS -X "${4:-POST}" -H "Authorization: Bearer ${token[$1]}" -H 'Content-Type: application/json' -d "${3:-@-}" "${url[$1]}/$2"
}

# NAME PATH BODY-FILE CONNECTIONS OPERATIONS SECONDS: loads a program with one POST again and again. Prints CPU microseconds per operation
# (of which a request has so many), requests/s, p50 and p99 in ms, errors, and CPU seconds used by others.
measure() {
  local self=$BASHPID before machine_before children_before out requests rest used other
  before=$(ticks "${process[$1]}") machine_before=$(machine) children_before=$(children "$self")
  out=$(BODY=$3 TOKEN=${token[$1]} wrk -t1 -c"$4" -d"$6s" --timeout 5s -s tests/Bench/post.lua "${url[$1]}/$2" | tail -1)
  used=$(($(ticks "${process[$1]}") - before))
  other=$(($(machine) - machine_before - used - ($(children "$self") - children_before)))
  read -r requests rest <<<"$out"
  awk -v n="$((requests * $5))" -v rest="$rest" -v used="$used" -v other="$other" \
    'BEGIN { printf "%.2f %s %.1f\n", used * 1e4 / n, rest, other / 100 }'
}
