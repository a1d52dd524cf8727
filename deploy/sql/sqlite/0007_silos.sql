-- Which silo runs, what its program can do, and which KEKs it has opened. The tables are those of a cluster; here there is one
-- silo, which the lock on the data directory keeps alone.

-- What rows may look like; raised by a command.
ALTER TABLE okms_schema ADD COLUMN feature_level INTEGER NOT NULL DEFAULT 1 CHECK (feature_level >= 1);

CREATE TABLE okms_silo (
  cluster_id TEXT NOT NULL,
  silo TEXT NOT NULL,
  least_feature_level INTEGER NOT NULL,
  newest_feature_level INTEGER NOT NULL,
  current_kek BLOB NOT NULL,
  started_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  seen_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (cluster_id, silo)
);

CREATE TABLE okms_silo_kek (
  cluster_id TEXT NOT NULL,
  silo TEXT NOT NULL,
  kek_id BLOB NOT NULL REFERENCES okms_kek (kek_id) ON DELETE CASCADE,
  PRIMARY KEY (cluster_id, silo, kek_id),
  FOREIGN KEY (cluster_id, silo) REFERENCES okms_silo (cluster_id, silo) ON DELETE CASCADE
);

-- A KEK is new, then current, then superseded. resealed counts the rows that the sweep has moved away from it.
ALTER TABLE okms_kek ADD COLUMN superseded_at TEXT;
ALTER TABLE okms_kek ADD COLUMN resealed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE okms_kek ADD COLUMN reseal_rate REAL NOT NULL DEFAULT 0;

UPDATE okms_kek SET superseded_at = created_at WHERE is_current = 0;

CREATE TABLE okms_kek_destroyed (
  kek_id BLOB NOT NULL PRIMARY KEY,
  created_at TEXT NOT NULL,
  destroyed_at TEXT NOT NULL
);
