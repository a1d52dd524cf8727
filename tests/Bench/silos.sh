#!/usr/bin/env bash
# CPU of one encryption of 1 KiB over HTTP through one gateway, with 1, 2, 3 and 4 silos on the same machine under the same load.
#
#   DATABASE_URL=postgres://… [TLS=1] tests/Bench/silos.sh
#
# A call goes from the gateway to some silo, and with n silos is forwarded to its key's silo in n-1 of n cases: that is the remote hop,
# which hop.sh measures by itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-8}
warm_up=${WARM_UP:-20}
counts=${SILOS:-1 2 3 4}
# shellcheck source=tests/Bench/cluster.sh
. tests/Bench/cluster.sh

for round in $(seq "$rounds"); do
  for count in $counts; do
    start_cluster "$count"
    # A warm-up, until every process has finished compiling; then the measurement.
    load warm-up "$warm_up" >/dev/null
    load "round $round  $count silos" "$seconds"
    stop_cluster
  done
done
