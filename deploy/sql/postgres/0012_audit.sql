-- The last signed checkpoint of each log of the audit trail (c2sp.org/tlog-checkpoint), beyond the reach of someone with only a silo's
-- disk.
CREATE TABLE okms_audit_log (
  log_id text COLLATE "C" NOT NULL PRIMARY KEY,
  verifier_key text NOT NULL,
  silo text NOT NULL,
  size bigint NOT NULL,
  checkpoint text NOT NULL,
  signed_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
