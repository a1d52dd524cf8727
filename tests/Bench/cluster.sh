# Sourced by the benchmarks of a cluster: builds the programs, makes an administrator in the database DATABASE_URL, which must be
# empty, and starts silos and a gateway on loopback. With TLS=1 they speak mutual TLS by certificates of deploy/certs.sh,
# otherwise in the clear. Everything ends with the script.
: "${DATABASE_URL:?an empty database}"
export KEYS=${KEYS:-64} OKMS_REQUEST_LOG=false
work=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill -CONT "$pid" 2>/dev/null && kill "$pid" || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

dotnet build -c Release --nologo -v q silo >/dev/null
dotnet build -c Release --nologo -v q gateway >/dev/null
if [ "${TLS:-}" = 1 ]; then
  for certificate in ca "silo silo" "gateway gateway"; do
    # shellcheck disable=SC2086
    deploy/certs.sh --dir "$work/certs" $certificate >/dev/null
  done
  network() { echo "OKMS_TLS_CA=$work/certs/ca.pem OKMS_TLS_CERT=$work/certs/$1.pem OKMS_TLS_KEY=$work/certs/$1.key"; }
else
  network() { echo OKMS_INSECURE_CLUSTER_NETWORK=true; }
fi

# NUMBER [ARGUMENT…]: in the place of the shell that calls it.
silo() {
  local number=$1
  shift
  # shellcheck disable=SC2046
  exec env $(network silo) PORT=$((8410 + number)) OKMS_SILO_PORT=$((11410 + number)) OKMS_CLIENT_PORT=$((30410 + number)) \
    OKMS_DATA_DIR="$work/data" dotnet silo/bin/Release/net10.0/OrleansKms.Silo.dll "$@"
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
  env $(network gateway) PORT=8410 dotnet gateway/bin/Release/net10.0/OrleansKms.Gateway.dll >"$work/gateway.log" 2>&1 &
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

stop_cluster() {
  local pid
  kill "${pids[@]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do wait "$pid" || true; done
  pids=()
}

TOKEN=$(silo 0 create-administrator 2>/dev/null)
export TOKEN
