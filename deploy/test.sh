#!/usr/bin/env bash
# Builds everything and runs every test, on a throw-away Postgres of its own. Needs nothing but .NET, apt and npm's registry.
#   ./deploy/test.sh            all tests but the whole-cluster faults, which take minutes each
#   ./deploy/test.sh unit       one part or several: unit, cluster, api, fuzz, faults; cluster and api include their faults
#   ./deploy/test.sh coverage [PART...]   the same (default: unit), with line coverage: artifacts/coverage, in Cobertura's format
# Ends with one line "N passed, N failed", and with 0 only if something ran and nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export DEBIAN_FRONTEND=noninteractive
# The tests start the service hundreds of times, and most of a start's cost is the JIT compiler, part of it in the kernel, which this avoids.
export DOTNET_EnableWriteXorExecute=0
exec </dev/null

work=""
postgres_bin=""

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Postgres refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); else "$@"; fi
}

find_postgres() {
  local candidate
  if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; return; fi
  for candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V -r); do
    if [ -x "$candidate/initdb" ]; then echo "$candidate"; return; fi
  done
}

install_missing() {
  local packages=()
  # Root needs the user postgres too, which comes with the package.
  if [ -z "$(find_postgres)" ] || { [ "$(id -u)" -eq 0 ] && ! id postgres >/dev/null 2>&1; }; then packages+=(postgresql); fi
  command -v softhsm2-util >/dev/null || packages+=(softhsm2)
  # For the tests' misbehaving PKCS#11 module; a C compiler without dependencies.
  [ -x /usr/bin/tcc ] || [ -x /usr/bin/cc ] || packages+=(tcc)
  # For the scripts of deploy/restore.
  command -v jq >/dev/null || packages+=(jq)
  command -v curl >/dev/null || packages+=(curl)
  [ -x /usr/sbin/pgbouncer ] || packages+=(pgbouncer)
  # For the tests against libraries of others, in tests/Node.
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
  # For the test of the console.
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [ -n "${CHROMIUM:-}" ] || packages+=(chromium)
  # For the test that cuts a network in two, which only root can do.
  [ "$(id -u)" -ne 0 ] || command -v ip >/dev/null || packages+=(iproute2)
  [ ${#packages[@]} -gt 0 ] || return 0
  echo "Installing ${packages[*]}"
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

install_node_modules() {
  # The versions of the lock file, by their digests, and none of their scripts.
  cmp -s tests/Node/package-lock.json tests/Node/node_modules/.installed && return
  (cd tests/Node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && cp package-lock.json node_modules/.installed)
}

start_postgres() {
  local port
  postgres_bin="$(find_postgres)"
  mkdir "$work/postgres"
  if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$work"
    chown postgres: "$work/postgres"
  fi
  # Passwords only in this directory; nobody else on the machine gets in over TCP without one.
  local password
  password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  as_postgres sh -c "umask 077; printf %s '$password' > '$work/postgres/password'"
  as_postgres "$postgres_bin/initdb" -D "$work/postgres/cluster" -U okms -A scram-sha-256 --pwfile="$work/postgres/password" \
    -E UTF8 --locale=C.UTF-8 >"$work/initdb.log" 2>&1 || { cat "$work/initdb.log"; return 1; }
  # A port that is free now may be taken a moment later, so a failed start is retried on another.
  for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 10000))
    if as_postgres "$postgres_bin/pg_ctl" -D "$work/postgres/cluster" -s -w -t 60 -l "$work/postgres/log" \
      -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='$work/postgres' -c max_connections=200 -c fsync=on" \
      start >/dev/null 2>&1; then
      export OKMS_TEST_DATABASE_URL="Host=127.0.0.1;Port=$port;Username=okms;Password=$password;Database=postgres"
      return 0
    fi
  done
  cat "$work/postgres/log"
  return 1
}

clean_up() {
  local status=$?
  trap - EXIT
  if [ -n "$postgres_bin" ] && [ -f "$work/postgres/cluster/postmaster.pid" ]; then
    as_postgres "$postgres_bin/pg_ctl" -D "$work/postgres/cluster" -s -m immediate -w stop >/dev/null 2>&1 || true
  fi
  [ -z "$work" ] || rm -rf "$work"
  exit "$status"
}

# The number that the counters of a result file give for one outcome.
count() {
  local sum=0 number
  for number in $(sed -n "s/.*<Counters [^>]*\b$1=\"\([0-9]*\)\".*/\1/p" "$work"/results/*.trx 2>/dev/null); do
    sum=$((sum + number))
  done
  echo "$sum"
}

# What the tests of one part ran, by assembly.
report_coverage() {
  local report
  mkdir -p artifacts/coverage
  report="$(find "$work/results" -name coverage.cobertura.xml -newer "$work/started" | head -n 1)"
  [ -n "$report" ] || { echo "no coverage was collected"; return 1; }
  mv "$report" "artifacts/coverage/$1.xml"
  echo "Lines run by $1 (artifacts/coverage/$1.xml):"
  sed -n 's/.*<package name="\([^"]*\)" line-rate="\([0-9.]*\)".*/\1 \2/p' "artifacts/coverage/$1.xml" |
    awk '{ printf "  %-28s %5.1f %%\n", $1, $2 * 100 }'
}

project_of() {
  case "$1" in
    unit) echo tests/Unit ;;
    cluster | faults) echo tests/Cluster ;;
    api) echo tests/Api ;;
    fuzz) echo tests/Fuzz ;;
    *) echo "unknown part: $1 (unit, cluster, api, fuzz, faults)" >&2; return 1 ;;
  esac
}

main() {
  local parts=("$@") part project projects=() filter=() collect=() broken=0 passed failed
  if [ "${parts[0]:-}" = coverage ]; then
    parts=("${parts[@]:1}")
    [ ${#parts[@]} -gt 0 ] || parts=(unit)
    collect=(--collect "XPlat Code Coverage")
  fi
  if [ ${#parts[@]} -eq 0 ]; then
    parts=(unit cluster api fuzz)
    filter=(--filter "Category!=Faults")
  elif [ "${parts[*]}" = faults ]; then
    parts=(cluster api)
    filter=(--filter "Category=Faults")
  fi
  for part in "${parts[@]}"; do
    project="$(project_of "$part")"
    projects+=("$project")
  done

  work="$(mktemp -d "${TMPDIR:-/tmp}/okms-test.XXXXXX")"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  install_missing
  install_node_modules
  dotnet build OrleansKms.sln -v q -warnaserror
  start_postgres
  for project in "${projects[@]}"; do
    # A run without a result file, such as a crashed one, is a failure too.
    # A hanging test is killed and named instead of blocking the tests after it.
    touch "$work/started"
    dotnet test "$project" --no-build "${filter[@]}" "${collect[@]}" --blame-hang-timeout 8m --blame-hang-dump-type none --logger "trx;LogFileName=$(basename "$project").trx" \
      --results-directory "$work/results" || broken=1
    [ -f "$work/results/$(basename "$project").trx" ] || { echo "$project has no results"; broken=1; }
    [ ${#collect[@]} -eq 0 ] || report_coverage "$(basename "$project" | tr '[:upper:]' '[:lower:]')" || broken=1
  done

  # Reports tests that this machine does not permit as skipped.
  sed -n 's/.*<UnitTestResult [^>]*testName="\([^"]*\)"[^>]*outcome="NotExecuted".*/NOT RUN here: \1/p' "$work"/results/*.trx 2>/dev/null || true
  passed="$(count passed)"
  failed=$(($(count executed) - passed))
  if [ "$failed" -eq 0 ] && { [ "$broken" -ne 0 ] || [ "$passed" -eq 0 ]; }; then failed=1; fi
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

main "$@"
