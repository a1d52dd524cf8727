#!/usr/bin/env bash
# Makes the program okms as one self-contained file, to be copied to a server and started there: neither .NET nor anything else has to be
# installed, and nothing is unpacked at a start. Needs jq.
#     deploy/publish.sh                  all of the following
#     deploy/publish.sh linux-x64        artifacts/linux-x64/okms
#     deploy/publish.sh linux-arm64      artifacts/linux-arm64/okms
#     deploy/publish.sh tool             artifacts/OrleansKms.VERSION.nupkg: dotnet tool install -g OrleansKms --source artifacts
#     deploy/publish.sh again linux-x64  publishes what is committed a second time, in a directory of another name, and compares
# Beside each file is okms.cdx.json, and beside the package OrleansKms.VERSION.cdx.json: what it is made of, in the format of CycloneDX. artifacts/okms is the file for this machine, which is
# started once from an empty directory, without .NET and without an environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
# Builds of the source beside this one keep their intermediate files.
build=artifacts/.build
cyclonedx=6.3.1

# publish RID. Without debugging information: it holds what the platform's generator of log calls has written, in another order each time,
# and would make two builds of the same source differ.
publish() {
  dotnet publish silo -c Release -r "$1" --self-contained --artifacts-path "$build" -o "$build/$1" -v q \
    -p:PublishSingleFile=true -p:DebugType=none -p:OkmsPublish=true -p:RunAnalyzers=false
  mkdir -p "artifacts/$1"
  install -m 0755 "$build/$1/okms" "artifacts/$1/okms"
  materials "$1" >"artifacts/$1/okms.cdx.json"
}

# materials RID|tool: the packages, by CycloneDX' own tool; what it does not see: the runtime, and the libraries of the console. Without a
# serial number and the time of day, the same program has the same list.
materials() {
  local tools=$build/cyclonedx-$cyclonedx bom=$build/bom-$1 place=$build runtime=(-rt "$1")
  [ "$1" != tool ] || { place=$build/package runtime=(); }
  [ -x "$tools/dotnet-CycloneDX" ] || dotnet tool install CycloneDX --version "$cyclonedx" --tool-path "$tools" >/dev/null
  rm -rf "$bom"
  "$tools/dotnet-CycloneDX" silo/OrleansKms.Silo.csproj -o "$bom" -fn packages.json -F Json -ns -dpr -tfm net10.0 "${runtime[@]}" \
    -biop "$PWD/$place" -sn okms -sv "$(version)" >&2
  # A file, since the failure of a <(…) is seen by nobody.
  if [ "$1" = tool ]; then echo '[]'; else runtime_packs "$1"; fi >"$bom/runtime.json"
  jq --sort-keys --slurpfile runtime "$bom/runtime.json" --slurpfile vendored gateway/WebConsole/Files/vendor/manifest.json \
    'del(.metadata.timestamp) | .components += $runtime[0] + ($vendored[0].packages | map({type: "library", name, version,
      purl: "pkg:npm/\(.name)@\(.version)", "bom-ref": "pkg:npm/\(.name)@\(.version)", licenses: [{license: {id: .licence}}]}))' "$bom/packages.json"
}

# runtime_packs RID: .NET itself, which is in the file.
runtime_packs() {
  jq '[.libraries | keys[] | select(startswith("runtimepack.")) | ltrimstr("runtimepack.") | split("/")
    | {type: "framework", name: .[0], version: .[1], purl: "pkg:nuget/\(.[0])@\(.[1])", "bom-ref": "pkg:nuget/\(.[0])@\(.[1])",
       licenses: [{license: {id: "MIT"}}]}] | if . == [] then error("no runtime pack is named") else . end' "$build/bin/OrleansKms.Silo/release_$1/okms.deps.json"
}

version() { sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props; }

# try RID: all in one with its embedded database, until it says that it is ready, a minute at most; and until it has ended
try() {
  local okms="$PWD/artifacts/$1/okms" directory port=$((20000 + RANDOM % 10000)) pid end=$((SECONDS + 60))
  directory="$(mktemp -d)"
  (cd "$directory" && exec env -i PORT="$port" "$okms" serve) >"$directory/log" 2>&1 &
  pid=$!
  until env -i PORT="$port" "$okms" healthcheck >/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then kill -9 "$pid"; wait "$pid" || true; fi
    if ! kill -0 "$pid" 2>/dev/null; then cat "$directory/log"; rm -rf "$directory"; return 1; fi
    sleep 0.2
  done
  kill "$pid"
  timeout 60 tail --pid="$pid" -f /dev/null || kill -9 "$pid"
  wait "$pid"
  rm -rf "$directory"
}

tool() {
  dotnet pack silo -c Release --artifacts-path "$build/package" -o artifacts -v q -p:OkmsPublish=true -p:RunAnalyzers=false
  materials tool >"artifacts/OrleansKms.$(version).cdx.json"
}

# again RID
again() {
  local other
  other="$(mktemp -d)/elsewhere"
  git clone -q --no-local . "$other"
  "$other/deploy/publish.sh" "$1" >/dev/null
  if cmp "artifacts/$1/okms" "$other/artifacts/$1/okms" && cmp "artifacts/$1/okms.cdx.json" "$other/artifacts/$1/okms.cdx.json"; then
    echo "the same: $(sha256sum <"artifacts/$1/okms")"
  else
    echo "different: $PWD/artifacts/$1 and $other/artifacts/$1"
    return 1
  fi
  rm -rf "${other%/*}"
}

if [ "${1:-}" = again ]; then
  again "$2"
  exit
fi
[ $# -gt 0 ] || set -- linux-x64 linux-arm64 tool
for made in "$@"; do
  if [ "$made" = tool ]; then tool; continue; fi
  publish "$made"
  case "$made-$(uname -m)" in
    linux-x64-x86_64 | linux-arm64-aarch64)
      try "$made"
      install -m 0755 "artifacts/$made/okms" artifacts/okms
      ;;
  esac
done
find artifacts -maxdepth 2 \( -name okms -type f -o -name '*.nupkg' \) -exec ls -l {} +
