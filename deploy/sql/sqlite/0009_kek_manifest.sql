-- The manifest of the KEKs, under a MAC of each root that vouches for it: grains/Root/FORMAT.md.
CREATE TABLE okms_kek_manifest (
  root_id TEXT NOT NULL PRIMARY KEY,
  manifest BLOB NOT NULL,
  mac BLOB NOT NULL,
  created_at TEXT NOT NULL
);
