-- The manifest of the KEKs, under a MAC of each root that vouches for it: grains/Root/FORMAT.md.
CREATE TABLE okms_kek_manifest (
  root_id text COLLATE "C" NOT NULL PRIMARY KEY,
  manifest bytea NOT NULL,
  mac bytea NOT NULL,
  created_at timestamptz NOT NULL
);

-- A database without a KEK was never used by an older program, which would change the KEKs without renewing the manifest; so none
-- may begin to. One that was used keeps them until its feature level is 3.
UPDATE okms_schema SET least_program_version = 2
WHERE id = 1 AND least_program_version < 2
  AND NOT EXISTS (SELECT 1 FROM okms_kek) AND NOT EXISTS (SELECT 1 FROM okms_row);
