#!/usr/bin/env bash
# Repeats, on a service whose database was restored, the changes that changes-since.jq listed. Keys are first made unusable, then
# deleted: nothing here makes anything usable. Idempotent.
#     KMS_URL=http://localhost:8080 KMS_TOKEN_FILE=admin.token deploy/restore/do-again.sh <changes.tsv
# Ends with 0 when nothing is left to look at, with 1 when lines marked LOOK are.
set -euo pipefail
: "${KMS_URL:?the address of a gateway}" "${KMS_TOKEN_FILE:?the file of the administrator\'s token}"

look=0

# METHOD PATH [BODY]; prints the status. The token never appears on a command line.
call() {
  curl -sS -o /dev/null -w '%{http_code}' -X "$1" -H @<(printf 'Authorization: Bearer %s\n' "$(cat "$KMS_TOKEN_FILE")") \
    ${3:+-H 'Content-Type: application/json' -d "$3"} "$KMS_URL/v1/$2"
}

# WHAT KEY DETAIL STATUS: 2xx is done; 404 is a key or version that was created after the backup, and is lost anyway.
report() {
  case "$4" in
    2??) printf 'done  %s %s %s\n' "$1" "$2" "$3" ;;
    404) printf 'gone  %s %s %s\n' "$1" "$2" "$3" ;;
    *) printf 'LOOK  %s %s %s: status %s\n' "$1" "$2" "$3" "$4"; look=1 ;;
  esac
}

# KEY JQ; prints a field of the key's description.
ask() {
  curl -sS -H @<(printf 'Authorization: Bearer %s\n' "$(cat "$KMS_TOKEN_FILE")") "$KMS_URL/v1/keys/$1" | jq -r "$2"
}

# KEY VERSION; ensures a newer primary version, so that the key stays usable without this one. A key that cannot rotate reports why in
# the next call.
rotate_above() {
  if [ "$(ask "$1" '.primary_version // 0')" -le "$2" ]; then call POST "keys/$1/rotate" >/dev/null; fi
}

one() {
  local what="$1" id="$2" detail="$3"
  case "$what" in
    # min_decrypt_version may be above all restored versions, but not above the primary one.
    min-decrypt)
      rotate_above "$id" "$((detail - 1))"
      report "$what" "$id" "$detail" "$(call PATCH "keys/$id" "{\"min_decrypt_version\": $detail}")" ;;
    disable-version | destroy-version)
      rotate_above "$id" "$detail"
      report "$what" "$id" "$detail" "$(call POST "keys/$id/versions/$detail/${what%-version}")" ;;
    disable-key) report "$what" "$id" "" "$(call POST "keys/$id/disable")" ;;
    delete-key)
      case "$(ask "$id" '.state // "none"')" in
        pending_deletion | destroyed) report "$what" "$id" "" 200 ;;
        *) report "$what" "$id" "" "$(call POST "keys/$id/schedule-deletion" '{"after": "P7D"}')" ;;
      esac ;;
    point-alias) report "$what" "$id" "$detail" "$(call PUT "aliases/$id" "{\"key_id\": \"$detail\"}")" ;;
    remove-alias) report "$what" "$id" "" "$(call DELETE "aliases/$id")" ;;
    destroyed-key) printf 'gone  %s %s %s\n' "$what" "$id" "$detail" ;;
    lost-key | restored-key | lost-version) printf 'LOST  %s %s %s\n' "$what" "$id" "$detail" ;;
    *) printf 'LOOK  %s %s %s\n' "$what" "$id" "$detail"; look=1 ;;
  esac
}

while IFS=$'\t' read -r what id detail _; do one "$what" "$id" "$detail" </dev/null; done
exit "$look"
