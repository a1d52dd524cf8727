-- The ring of key-encryption keys, the sealed rows, and the queries by which the grain storage provider reaches them.

-- The least program version that may use this schema. Only this refuses a start.
CREATE TABLE okms_schema (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  least_program_version INTEGER NOT NULL
);

INSERT INTO okms_schema (id, least_program_version) VALUES (1, 1);

CREATE TABLE okms_kek (
  kek_id BLOB NOT NULL PRIMARY KEY CHECK (typeof(kek_id) = 'blob' AND length(kek_id) = 16),
  created_at TEXT NOT NULL,
  is_current INTEGER NOT NULL CHECK (is_current IN (0, 1))
);

-- New rows are sealed under one KEK only.
CREATE UNIQUE INDEX okms_kek_current ON okms_kek (is_current) WHERE is_current = 1;

-- A KEK may be wrapped by several roots at once.
CREATE TABLE okms_kek_wrap (
  kek_id BLOB NOT NULL REFERENCES okms_kek (kek_id) ON DELETE CASCADE,
  root_id TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (kek_id, root_id)
);

-- kek_id and tombstone are read from the row's header, so they cannot differ from it; the foreign key makes the database
-- itself refuse to delete a KEK that still seals a row. Text is collated BINARY, which is the order of the bytes.
CREATE TABLE okms_row (
  service_id TEXT NOT NULL,
  row_name TEXT NOT NULL,
  grain_key TEXT NOT NULL,
  payload BLOB NOT NULL CHECK (typeof(payload) = 'blob' AND length(payload) >= 34),
  version INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  kek_id BLOB NOT NULL GENERATED ALWAYS AS (substr(payload, 3, 16)) STORED REFERENCES okms_kek (kek_id),
  tombstone INTEGER NOT NULL GENERATED ALWAYS AS
    (substr(hex(substr(payload, 2, 1)), 2, 1) IN ('1', '3', '5', '7', '9', 'B', 'D', 'F')) STORED,
  PRIMARY KEY (service_id, row_name, grain_key)
);

CREATE INDEX okms_row_live ON okms_row (service_id, row_name, grain_key, tombstone) WHERE tombstone = 0;
CREATE INDEX okms_row_kek ON okms_row (kek_id);

CREATE TABLE OrleansQuery (
  QueryKey TEXT NOT NULL PRIMARY KEY,
  QueryText TEXT NOT NULL
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('ReadFromStorageKey', '
  SELECT payload AS PayloadBinary, version AS Version
  FROM okms_row
  WHERE service_id = @ServiceId AND row_name = @GrainTypeString AND grain_key = @GrainIdExtensionString;
');

-- Without a version the row must not exist, with one it must have that one. No row answered is a lost race. At most one of
-- the two statements changes anything.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('WriteToStorageKey', '
  INSERT INTO okms_row (service_id, row_name, grain_key, payload, version, modified_at)
  SELECT @ServiceId, @GrainTypeString, @GrainIdExtensionString, @PayloadBinary, 1, CAST(unixepoch(''subsec'') * 1000 AS INTEGER)
  WHERE @GrainStateVersion IS NULL
  ON CONFLICT (service_id, row_name, grain_key) DO NOTHING
  RETURNING version AS NewGrainStateVersion;

  UPDATE okms_row
  SET payload = @PayloadBinary, version = version + 1, modified_at = CAST(unixepoch(''subsec'') * 1000 AS INTEGER)
  WHERE service_id = @ServiceId AND row_name = @GrainTypeString AND grain_key = @GrainIdExtensionString
    AND version = @GrainStateVersion
  RETURNING version AS NewGrainStateVersion;
');

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('DeleteStorageKey', '
  DELETE FROM okms_row
  WHERE service_id = @ServiceId AND row_name = @GrainTypeString AND grain_key = @GrainIdExtensionString
    AND version = @GrainStateVersion
  RETURNING version + 1 AS NewGrainStateVersion;
');

-- The provider asks for this one at start, whether or not it uses it. Clearing always deletes here.
INSERT INTO OrleansQuery (QueryKey, QueryText)
SELECT 'ClearStorageKey', QueryText FROM OrleansQuery WHERE QueryKey = 'DeleteStorageKey';
