-- A change of root. okms_root lists roots in files too from here on, once a command has changed something about them.

-- removed_at: since when it wraps no KEK any more. destroyed_at: when the root key itself was destroyed, and the backups under it.
ALTER TABLE okms_root ADD COLUMN removed_at TEXT;
ALTER TABLE okms_root ADD COLUMN destroyed_at TEXT;

-- The root by which the silo has opened the KEKs; NULL for a program that did not say.
ALTER TABLE okms_silo ADD COLUMN root_id TEXT;
