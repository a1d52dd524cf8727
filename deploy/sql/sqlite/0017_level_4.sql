-- When an older version next writes a key's row, it drops the fields of feature level 4, so none are written before the level is 4. A
-- database that was never used needs no such level: no older version may start using it.
UPDATE okms_schema SET least_program_version = 3
WHERE id = 1 AND least_program_version < 3
  AND NOT EXISTS (SELECT 1 FROM okms_kek) AND NOT EXISTS (SELECT 1 FROM okms_row);
