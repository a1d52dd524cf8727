-- The ring of key-encryption keys, the sealed rows, and the queries by which the grain storage provider reaches them.

-- The least program version that may use this schema. Only this refuses a start.
CREATE TABLE okms_schema (
  id integer NOT NULL PRIMARY KEY CHECK (id = 1),
  least_program_version integer NOT NULL
);

INSERT INTO okms_schema (id, least_program_version) VALUES (1, 1);

CREATE TABLE okms_kek (
  kek_id bytea NOT NULL PRIMARY KEY CHECK (octet_length(kek_id) = 16),
  created_at timestamptz NOT NULL,
  is_current boolean NOT NULL
);

-- New rows are sealed under one KEK only.
CREATE UNIQUE INDEX okms_kek_current ON okms_kek (is_current) WHERE is_current;

-- A KEK may be wrapped by several roots at once.
CREATE TABLE okms_kek_wrap (
  kek_id bytea NOT NULL REFERENCES okms_kek (kek_id) ON DELETE CASCADE,
  root_id text COLLATE "C" NOT NULL,
  wrapped bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (kek_id, root_id)
);

-- kek_id and tombstone are read from the row's header, so they cannot differ from it; the foreign key makes the database
-- itself refuse to delete a KEK that still seals a row. Collation "C" is the order of the bytes.
CREATE TABLE okms_row (
  service_id text COLLATE "C" NOT NULL,
  row_name text COLLATE "C" NOT NULL,
  grain_key text COLLATE "C" NOT NULL,
  payload bytea NOT NULL CHECK (octet_length(payload) >= 34),
  version integer NOT NULL,
  modified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kek_id bytea NOT NULL GENERATED ALWAYS AS (substring(payload FROM 3 FOR 16)) STORED REFERENCES okms_kek (kek_id),
  tombstone boolean NOT NULL GENERATED ALWAYS AS ((get_byte(payload, 1) & 1) = 1) STORED,
  PRIMARY KEY (service_id, row_name, grain_key)
);

CREATE INDEX okms_row_live ON okms_row (service_id, row_name, grain_key) WHERE NOT tombstone;
CREATE INDEX okms_row_kek ON okms_row (kek_id);
CREATE INDEX okms_row_modified ON okms_row (modified_at);

CREATE TABLE OrleansQuery (
  QueryKey text NOT NULL PRIMARY KEY,
  QueryText text NOT NULL
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('ReadFromStorageKey', '
  SELECT payload AS "PayloadBinary", version AS "Version"
  FROM okms_row
  WHERE service_id = @ServiceId AND row_name = @GrainTypeString AND grain_key = @GrainIdExtensionString
');

-- Without a version the row must not exist, with one it must have that one. No row answered is a lost race. At most one of
-- the two parts changes anything.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('WriteToStorageKey', '
  WITH inserted AS (
    INSERT INTO okms_row (service_id, row_name, grain_key, payload, version)
    SELECT @ServiceId, @GrainTypeString, @GrainIdExtensionString, @PayloadBinary, 1
    WHERE @GrainStateVersion IS NULL
    ON CONFLICT (service_id, row_name, grain_key) DO NOTHING
    RETURNING version
  ), updated AS (
    UPDATE okms_row
    SET payload = @PayloadBinary, version = version + 1, modified_at = clock_timestamp()
    WHERE service_id = @ServiceId AND row_name = @GrainTypeString AND grain_key = @GrainIdExtensionString
      AND version = @GrainStateVersion
    RETURNING version
  )
  SELECT version AS "NewGrainStateVersion" FROM inserted
  UNION ALL
  SELECT version AS "NewGrainStateVersion" FROM updated
');

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('DeleteStorageKey', '
  DELETE FROM okms_row
  WHERE service_id = @ServiceId AND row_name = @GrainTypeString AND grain_key = @GrainIdExtensionString
    AND version = @GrainStateVersion
  RETURNING version + 1 AS "NewGrainStateVersion"
');

-- The provider asks for this one at start, whether or not it uses it. Clearing always deletes here.
INSERT INTO OrleansQuery (QueryKey, QueryText)
SELECT 'ClearStorageKey', QueryText FROM OrleansQuery WHERE QueryKey = 'DeleteStorageKey';
