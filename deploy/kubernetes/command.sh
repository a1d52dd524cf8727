#!/usr/bin/env bash
# Runs one command of the silo's program in the cluster, as the job deploy/kubernetes/jobs/command; prints what it prints, and ends
# with 0 only if it did. OKMS_OTHER_... of the environment are handed on. What a command prints stays in the job's log until the
# next one: do not make tokens by it (jobs/create-administrator, jobs/replace-administrator).
#     deploy/kubernetes/command.sh restore-epoch
set -euo pipefail
: "${1:?a command, as in the README}"
here="$(dirname "${BASH_SOURCE[0]}")"

in_namespace() { kubectl -n orleans-kms "$@"; }

# What the job is to run, as a JSON patch.
patch="$(jq -cn '
  "/spec/template/spec/containers/0" as $container
  | [env | to_entries[] | select(.key | startswith("OKMS_OTHER_")) | {name: .key, value}] as $other
  | [{op: "replace", path: ($container + "/args"), value: $ARGS.positional}]
    + (if $other == [] then [] else [{op: "add", path: ($container + "/env"), value: $other}] end)' --args -- "$@")"

# One at a time, and never the last one's answer for this one's.
in_namespace delete job command --ignore-not-found --wait >/dev/null
kubectl kustomize "$here/jobs/command" | kubectl patch --local -f - --type=json -p "$patch" -o yaml | kubectl create -f - >/dev/null
# The job's own deadline ends this.
until in_namespace get job command -o 'jsonpath={.status.conditions[*].type}' | grep -Eqw 'Complete|Failed'; do sleep 1; done
in_namespace logs job/command || true
if ! in_namespace wait --for=condition=complete --timeout=0 job/command >/dev/null 2>&1; then
  echo "the command failed; its pod: kubectl -n orleans-kms describe job command" >&2
  exit 1
fi
