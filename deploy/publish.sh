#!/usr/bin/env bash
# Makes one self-contained file each of the silo and the gateway, to be copied to a server and started there: neither .NET nor
# anything else has to be installed, and nothing is unpacked at a start.
#     deploy/publish.sh                  artifacts/linux-x64 and artifacts/linux-arm64, okms-silo and okms-gateway in each
#     deploy/publish.sh linux-arm64      one of the two
# What runs on this machine is started once from an empty directory, without .NET and without an environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
# Builds of the source beside this one keep their intermediate files.
build=artifacts/.build

# publish PROJECT PROGRAM RID
publish() {
  dotnet publish "$1" -c Release -r "$3" --self-contained --artifacts-path "$build" -o "$build/$3/$1" -v q \
    -p:PublishSingleFile=true -p:DebugType=embedded -p:RunAnalyzers=false
  mkdir -p "artifacts/$3"
  install -m 0755 "$build/$3/$1/$2" "artifacts/$3/okms-$1"
}

# try RID: all in one with its embedded database, until it says that it is ready
try() {
  local silo="$PWD/artifacts/$1/okms-silo" directory port=$((20000 + RANDOM % 10000)) pid
  directory="$(mktemp -d)"
  (cd "$directory" && exec env -i PORT="$port" "$silo") >"$directory/log" 2>&1 &
  pid=$!
  until env -i PORT="$port" "$silo" healthcheck >/dev/null; do
    if ! kill -0 "$pid" 2>/dev/null; then cat "$directory/log"; rm -rf "$directory"; return 1; fi
    sleep 0.2
  done
  kill "$pid"
  wait "$pid"
  rm -rf "$directory"
}

[ $# -gt 0 ] || set -- linux-x64 linux-arm64
for rid in "$@"; do
  publish silo OrleansKms.Silo "$rid"
  publish gateway OrleansKms.Gateway "$rid"
  case "$rid-$(uname -m)" in linux-x64-x86_64 | linux-arm64-aarch64) try "$rid" ;; esac
done
ls -l artifacts/*/okms-*
