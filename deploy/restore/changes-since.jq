# Lists from the audit trails of all silos what happened to keys since a given time: after the database was restored to that time, this is
# what it lacks. Lines that are not JSON, or not about keys, are skipped.
#
#     { find trail -name '*.jsonl' -exec cat {} +; find trail -name pending -exec cat {} + | tr '\0' '\n' | cut -f1; } >records.jsonl
#     jq -Rnr --arg since 2026-11-27T01:40:00Z -f deploy/restore/changes-since.jq <records.jsonl >changes.tsv
#
# With OKMS_AUDIT=off there is no trail: then give it the silos' logs, whose lines about changes say the same. Not both.
#
# One fact per line, tab-separated: what, key (or alias), version or alias target, time, principal, request id. The first four
# kinds tell what is lost; deploy/restore/do-again.sh repeats the others. Of opposing changes only the last counts.
#
#     lost-key         created since: the key is gone, and so is what it encrypted, unless there is a backup of it. Its id must not be used
#                      again, but to restore the key from its backup
#     restored-key     restored from its own backup since, not created: if it is not in the database, as lost-key. What happened to it before
#                      and since is listed as for other keys
#     destroyed-key    created since, and destroyed, or its deletion was scheduled: never restore it from a backup
#     lost-version     rotated since, by whatever: by hand, by its plan, after a restore; or imported since. What this version encrypted does
#                      not decrypt any more; of an imported one only other material can be imported in its place
#     changed          description, tags or rotation plan
#     enable, enable-version, cancel-deletion, cancel-destruction
#                      was made usable again; somebody must decide whether it should be
#     min-decrypt      the minimum version that decrypts was changed to this one
#     disable-version, destroy-version, disable-key
#                      destroy-version: its destruction was scheduled, or it was destroyed
#     delete-key       its deletion was scheduled, or it was destroyed
#     point-alias, remove-alias

# Times as they sort: 04Z is before 04.5Z, but "." sorts before "Z".
def instant: rtrimstr("Z");

# Converts a record of the trail to a change that was made; null for any other record. A record of a version's change has that version; one
# of an update names the new minimum version that decrypts in its detail.
def change:
  if .category // "" | startswith("OrleansKms.Grains.") then .
  elif .outcome != "ok" then null
  elif .action == "aliases:point" then {alias, key_id, time, principal, request_id}
  elif .action == "aliases:remove" then {alias, time, principal, request_id}
  elif .action // "" | test("^keys:(create|restore|rotate.*|import|update|enable.*|disable.*|schedule-.*|cancel-.*|destroy.*)$") then
    {key_id, time, principal, request_id, operation: (.action | sub("^keys:"; "")), version: .key_version}
    + if .action | test("-version$|-destruction$") then {changed_version: .key_version}
      else ((.detail // "" | capture("^min_decrypt_version (?<v>[0-9]+)$")) // {} | if .v then {changed_version: (.v | tonumber)} else {} end) end
  else null end;

def fact($what): [$what, .key_id, (.changed_version // .version), .time, .principal, .request_id];

# The last entry of each group by f, which is the one that holds; sorted by time.
def last_by(f): group_by(f) | map(max_by(.time | instant)) | sort_by(.time | instant);

[inputs | fromjson? | objects | change // empty | select((.time // "" | instant) >= ($since | instant))]
# A log may have been saved twice.
| unique | sort_by(.time | instant)
| (map(select(.key_id and .operation))) as $keys
| (map(select(.alias))) as $aliases
# Of a key that was created since, the database has nothing to change.
| ($keys | map(select(.operation == "create") | .key_id)) as $created
| ($keys | map(select(.key_id as $id | $created | index($id) | not))) as $known
| ($keys | map(select(.operation | IN("schedule-deletion", "cancel-deletion", "destroy"))) | last_by(.key_id)
    | map(select(.operation != "cancel-deletion") | .key_id)) as $deleted
| (
    ($keys[] | select(.operation == "create")
      | fact(if .key_id as $id | $deleted | index($id) then "destroyed-key" else "lost-key" end)),
    ($known | map(select(.operation == "restore")) | last_by(.key_id)[] | fact("restored-key")),
    ($known[] | select(.operation | startswith("rotate") or . == "import") | fact("lost-version")),
    ($known | map(select(.operation == "update" and .changed_version == null)) | last_by(.key_id)[] | fact("changed")),
    ($known | map(select(.operation == "update" and .changed_version)) | last_by(.key_id)[] | fact("min-decrypt")),
    ($known | map(select(.operation | IN("enable-version", "disable-version", "schedule-destruction", "cancel-destruction", "destroy-version")))
      | last_by([.key_id, .changed_version])[]
      | fact(if .operation == "schedule-destruction" then "destroy-version" else .operation end)),
    ($known | map(select(.operation | IN("enable", "disable"))) | last_by(.key_id)[]
      | fact(if .operation == "disable" then "disable-key" else .operation end)),
    ($known | map(select(.operation | IN("schedule-deletion", "cancel-deletion", "destroy"))) | last_by(.key_id)[]
      | fact(if .operation == "cancel-deletion" then .operation else "delete-key" end)),
    ($aliases | last_by(.alias)[]
      | [(if .key_id then "point-alias" else "remove-alias" end), .alias, (.key_id // "-"), .time, .principal, .request_id])
  )
| @tsv
