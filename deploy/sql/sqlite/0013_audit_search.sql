-- Events of the installation as a whole, from any process: a silo moves them from here to its log of the audit trail.
CREATE TABLE okms_audit_event (
  event_id TEXT NOT NULL PRIMARY KEY,
  happened_at TEXT NOT NULL,
  action TEXT NOT NULL,
  source TEXT NOT NULL,
  detail TEXT NOT NULL
);

-- State that silos compare at start, so that a change between two starts is an event: the root key in use.
CREATE TABLE okms_audit_state (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- A copy of the records, for search. The log files are authoritative; this table can be emptied and fills again.
CREATE TABLE okms_audit_record (
  recorded_at TEXT NOT NULL,
  log_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  principal TEXT,
  key_id TEXT,
  record TEXT NOT NULL,
  PRIMARY KEY (recorded_at, log_id, sequence)
) WITHOUT ROWID;
CREATE INDEX okms_audit_record_key ON okms_audit_record (key_id, recorded_at, log_id, sequence) WHERE key_id IS NOT NULL;
CREATE INDEX okms_audit_record_principal ON okms_audit_record (principal, recorded_at, log_id, sequence) WHERE principal IS NOT NULL;

-- The number of records copied from a log.
ALTER TABLE okms_audit_log ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;
