-- An older program drops, when it next writes the row of a key, the fields that feature level 4 brings, so that none is written before the
-- level is 4. A database that was never used needs no such level: no older program may begin to use it.
UPDATE okms_schema SET least_program_version = 3
WHERE id = 1 AND least_program_version < 3
  AND NOT EXISTS (SELECT 1 FROM okms_kek) AND NOT EXISTS (SELECT 1 FROM okms_row);
