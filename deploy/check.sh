#!/usr/bin/env bash
# Checks the files under deploy/ with the tools for each kind, as far as they are installed; the tests in tests/Cluster/Deploy need
# none and check them against the code. Reports what it could not check.
#     deploy/check.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0

# TOOL WHAT COMMAND...
check() {
  local tool="$1" what="$2" output
  shift 2
  if ! command -v "$tool" >/dev/null; then echo "not checked (no $tool): $what"; return; fi
  if output="$("$@" 2>&1)"; then echo "ok: $what"; else printf 'FAILED: %s\n%s\n' "$what" "$output"; failed=1; fi
}

check shellcheck scripts shellcheck --severity=warning deploy/*.sh deploy/*/*.sh
check promtool "alert rules" promtool check rules deploy/prometheus/alerts.yml
check promtool "tests of the alert rules" promtool test rules deploy/prometheus/alerts.test.yml
check promtool "Prometheus' configuration" promtool check config --syntax-only deploy/prometheus/prometheus.yml
check haproxy "the load balancer" haproxy -c -f deploy/compose/haproxy.cfg
check systemd-analyze "systemd units" systemd-analyze verify deploy/systemd/okms-silo.service deploy/systemd/okms-gateway.service
for directory in deploy/kubernetes deploy/kubernetes/jobs/*; do
  check kubectl "$directory" kubectl kustomize "$directory"
done
if docker compose version >/dev/null 2>&1; then
  check docker docker-compose.yml docker compose config --quiet
else
  echo "not checked (no docker compose): docker-compose.yml"
fi
exit "$failed"
