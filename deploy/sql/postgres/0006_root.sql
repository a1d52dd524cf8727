-- The roots in an HSM that belong to this database, by which the key is found again there. A root is recorded before it is
-- made. Its id is "hsm:" and the key's CKA_ID in hexadecimal digits.
CREATE TABLE okms_root (
  root_id text COLLATE "C" NOT NULL PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('file', 'hsm')),
  description text NOT NULL,
  created_at timestamptz NOT NULL
);
