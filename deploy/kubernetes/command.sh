#!/usr/bin/env bash
# Runs one command of okms in the cluster, as the job deploy/kubernetes/jobs/command; prints its output, and exits with 0
# only if it did. OKMS_OTHER_... variables are passed on. The output stays in the job's log until the next command: do not create
# tokens with it (use jobs/create-administrator, jobs/replace-administrator).
#     deploy/kubernetes/command.sh restore-epoch
set -euo pipefail
: "${1:?a command, as in deploy/CONFIGURATION.md}"
here="$(dirname "${BASH_SOURCE[0]}")"

in_namespace() { kubectl -n orleans-kms "$@"; }

refuse() { echo "$1" >&2; exit 1; }

# Anyone who may read jobs can read what is in one.
case "${OKMS_OTHER_HSM_PIN:+pin-value=}${OKMS_OTHER_HSM_ADDRESS:-}" in
  *pin-value=*) refuse "a PIN is handed on in the secret other-root-key, and named by pin-source=file:/run/okms/other/hsm-pin" ;;
esac

# The job's command, as a JSON patch.
patch="$(jq -cn '
  "/spec/template/spec/containers/0" as $container
  | [env | to_entries[] | select(.key | startswith("OKMS_OTHER_")) | {name: .key, value}] as $other
  | [{op: "replace", path: ($container + "/args"), value: $ARGS.positional}]
    + (if $other == [] then [] else [{op: "add", path: ($container + "/env"), value: $other}] end)' --args -- "$@")"

# One at a time: the next command must not kill a running one.
state="$(in_namespace get job command --ignore-not-found -o 'jsonpath={.metadata.uid} {.status.conditions[*].type}')"
[ -z "$state" ] || grep -Eqw 'Complete|Failed' <<<"$state" || refuse "another command runs: kubectl -n orleans-kms logs -f job/command"
in_namespace delete job command --ignore-not-found --wait >/dev/null
job="$(kubectl kustomize "$here/jobs/command" | kubectl patch --local -f - --type=json -p "$patch" -o yaml |
  kubectl create -f - -o 'jsonpath={.metadata.uid}')"
# Never take another job's result for this one's. The job's own deadline ends the loop.
until state="$(in_namespace get job command --ignore-not-found -o 'jsonpath={.metadata.uid} {.status.conditions[*].type}')" &&
  { [ -z "$state" ] || grep -Eqw 'Complete|Failed' <<<"$state"; }; do sleep 1; done
[ "${state%% *}" = "$job" ] || refuse "another command took the place of this one; whether this one was done its effect must tell"
in_namespace logs job/command || true
if ! in_namespace wait --for=condition=complete --timeout=0 job/command >/dev/null 2>&1; then
  echo "the command failed; its pod: kubectl -n orleans-kms describe job command" >&2
  exit 1
fi
