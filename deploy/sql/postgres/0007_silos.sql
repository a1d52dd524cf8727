-- Which silos run, what their programs can do, and which KEKs each has opened: what a silo that runs could not read or seal
-- under is not begun.

-- What rows may look like and what may be asked of another silo; raised by a command once every silo supports it.
ALTER TABLE okms_schema ADD COLUMN feature_level integer NOT NULL DEFAULT 1 CHECK (feature_level >= 1);

-- silo is Orleans' name of it: address, port and generation. seen_at is this database's clock, because silos' clocks differ.
CREATE TABLE okms_silo (
  cluster_id text COLLATE "C" NOT NULL,
  silo text COLLATE "C" NOT NULL,
  least_feature_level integer NOT NULL,
  newest_feature_level integer NOT NULL,
  current_kek bytea NOT NULL,
  started_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  seen_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (cluster_id, silo)
);

CREATE TABLE okms_silo_kek (
  cluster_id text COLLATE "C" NOT NULL,
  silo text COLLATE "C" NOT NULL,
  kek_id bytea NOT NULL REFERENCES okms_kek (kek_id) ON DELETE CASCADE,
  PRIMARY KEY (cluster_id, silo, kek_id),
  FOREIGN KEY (cluster_id, silo) REFERENCES okms_silo (cluster_id, silo) ON DELETE CASCADE
);

-- A KEK is new, then current, then superseded. resealed counts the rows that the sweep has moved away from it.
ALTER TABLE okms_kek ADD COLUMN superseded_at timestamptz;
ALTER TABLE okms_kek ADD COLUMN resealed bigint NOT NULL DEFAULT 0;
ALTER TABLE okms_kek ADD COLUMN reseal_rate double precision NOT NULL DEFAULT 0;

UPDATE okms_kek SET superseded_at = created_at WHERE NOT is_current;

CREATE TABLE okms_kek_destroyed (
  kek_id bytea NOT NULL PRIMARY KEY,
  created_at timestamptz NOT NULL,
  destroyed_at timestamptz NOT NULL
);

-- A row that is sealed anew keeps its version: no activation has fallen behind, and the fence need not ask about it.
CREATE OR REPLACE FUNCTION okms_row_note_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.version <> OLD.version THEN
    NEW.modified_xid := pg_current_xact_id();
  END IF;
  RETURN NEW;
END
$$;
