-- An older program does not know the key specs that feature level 5 brings, and drops the public keys of versions when it next writes the row
-- of a key, so that no such key is created before the level is 5. A database that was never used needs no such level: no older program may
-- begin to use it.
UPDATE okms_schema SET least_program_version = 4
WHERE id = 1 AND least_program_version < 4
  AND NOT EXISTS (SELECT 1 FROM okms_kek) AND NOT EXISTS (SELECT 1 FROM okms_row);
