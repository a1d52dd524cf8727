-- The last signed checkpoint of each log of the audit trail (c2sp.org/tlog-checkpoint), beyond the reach of someone with only a silo's
-- disk.
CREATE TABLE okms_audit_log (
  log_id TEXT NOT NULL PRIMARY KEY,
  verifier_key TEXT NOT NULL,
  silo TEXT NOT NULL,
  size INTEGER NOT NULL,
  checkpoint TEXT NOT NULL,
  signed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
