-- The manifest of the KEKs, under a MAC of each root that vouches for it: grains/Root/FORMAT.md.
CREATE TABLE okms_kek_manifest (
  root_id text COLLATE "C" NOT NULL PRIMARY KEY,
  manifest bytea NOT NULL,
  mac bytea NOT NULL,
  created_at timestamptz NOT NULL
);
