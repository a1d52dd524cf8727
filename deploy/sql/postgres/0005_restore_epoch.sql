-- How often the database was restored from a backup. Without a row it never was.
CREATE TABLE okms_restore_epoch (
  number integer NOT NULL PRIMARY KEY CHECK (number > 0),
  version_base integer NOT NULL UNIQUE CHECK (version_base > 0),
  started_at timestamptz NOT NULL
);
