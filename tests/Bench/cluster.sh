# Sourced by the cluster benchmarks: builds the programs, creates an administrator in the database DATABASE_URL, which must be empty,
# starts silos and a gateway on loopback, and loads them with wrk. With TLS=1 they use mutual TLS with certificates from
# deploy/certs.sh, otherwise no encryption. SILO_SETTINGS are extra settings for each silo, NAME=VALUE. With NO_BUILD=1
# the programs are those of the last build. Everything ends with the script.
: "${DATABASE_URL:?an empty database}"
export KEYS=${KEYS:-64} OKMS_REQUEST_LOG=false
connections=${CONNECTIONS:-32}
work=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill -CONT "$pid" 2>/dev/null && kill "$pid" || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

if [ -z "${NO_BUILD:-}" ]; then
  dotnet build -c Release --nologo -v q silo >/dev/null
fi
if [ "${TLS:-}" = 1 ]; then
  for certificate in ca "silo silo" "gateway gateway"; do
    # shellcheck disable=SC2086
    deploy/certs.sh --dir "$work/certs" $certificate >/dev/null
  done
  network() { echo "OKMS_TLS_CA=$work/certs/ca.pem OKMS_TLS_CERT=$work/certs/$1.pem OKMS_TLS_KEY=$work/certs/$1.key"; }
else
  network() { echo OKMS_INSECURE_CLUSTER_NETWORK=true; }
fi

# NUMBER [ARGUMENT…]: replaces the calling shell.
silo() {
  local number=$1
  shift
  # shellcheck disable=SC2046
  exec env $(network silo) ${SILO_SETTINGS:-} PORT=$((8410 + number)) OKMS_SILO_PORT=$((11410 + number)) OKMS_CLIENT_PORT=$((30410 + number)) \
    OKMS_DATA_DIR="$work/data" dotnet silo/bin/Release/net10.0/okms.dll "$@"
}

ready() { until curl -fsS -o /dev/null "http://127.0.0.1:$1/health/ready" 2>/dev/null; do sleep 0.2; done; }

# COUNT: starts silos 1 to COUNT and the gateway, which listens on 8410; sets silos, gateway.
start_cluster() {
  local number key
  silos=()
  for number in $(seq "$1"); do
    (silo "$number") >"$work/silo-$number.log" 2>&1 &
    silos+=("$!")
    pids+=("$!")
  done
  for number in $(seq "$1"); do ready $((8410 + number)); done
  # shellcheck disable=SC2046
  env $(network gateway) PORT=8410 dotnet silo/bin/Release/net10.0/okms.dll gateway >"$work/gateway.log" 2>&1 &
  gateway=$!
  pids+=("$gateway")
  ready 8410
  for key in $(seq "$KEYS"); do
    call v1/keys "{\"id\":\"bench.k$key\"}" >/dev/null 2>&1 || true
  done
}

# PATH BODY [CURL OPTION…]: one POST to the gateway.
call() {
  local path=$1 body=$2
  shift 2
  curl -fsS "$@" -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d "$body" "http://127.0.0.1:8410/$path"
}

ticks() { local sum=0 pid; for pid in "$@"; do sum=$((sum + $(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat"))); done; echo "$sum"; }
machine() { awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8; exit }' /proc/stat; }
children() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$$/stat"; }

# NAME SECONDS [PORT [KEY…]]: loads the process on a port (default: the gateway) with encryptions under these keys (default: all). Prints
# CPU microseconds per request of all silos and of the gateway, requests/s, p50 and p99 in ms, errors, and CPU seconds used by others.
load() {
  local silos_before gateway_before machine_before children_before out requests rest silos_used gateway_used other
  local name=$1 seconds=$2 port=${3:-8410} keys=${*:4}
  silos_before=$(ticks "${silos[@]}") gateway_before=$(ticks "$gateway") machine_before=$(machine) children_before=$(children)
  out=$(KEY_NUMBERS=${keys:-$(seq -s" " "$KEYS")} wrk -t1 -c"$connections" -d"${seconds}s" --timeout 5s -s tests/Bench/keys.lua "http://127.0.0.1:$port/encrypt" | tail -1)
  silos_used=$(($(ticks "${silos[@]}") - silos_before)) gateway_used=$(($(ticks "$gateway") - gateway_before))
  other=$(($(machine) - machine_before - silos_used - gateway_used - ($(children) - children_before)))
  read -r requests rest <<<"$out"
  awk -v name="$name" -v n="$requests" -v rest="$rest" -v s="$silos_used" -v g="$gateway_used" -v other="$other" 'BEGIN {
    split(rest, f, " ")
    printf "%s  cpu %.1f us = silos %.1f + gateway %.1f  %6s req/s  p50 %6s ms  p99 %7s ms  errors %s  other %.1f s\n",
      name, (s + g) * 1e4 / n, s * 1e4 / n, g * 1e4 / n, f[1], f[2], f[3], f[4], other / 100 }'
}

stop_cluster() {
  local pid
  kill "${pids[@]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do wait "$pid" || true; done
  pids=()
}

TOKEN=$(silo 0 create-administrator 2>/dev/null)
export TOKEN
