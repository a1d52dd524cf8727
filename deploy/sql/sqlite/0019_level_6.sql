-- An older program does not know the key specs and usages that feature level 6 brings, nor keys with imported or restored material, so that no
-- such key is created before the level is 6. A database that was never used needs no such level: no older program may begin to use it.
UPDATE okms_schema SET least_program_version = 5
WHERE id = 1 AND least_program_version < 5
  AND NOT EXISTS (SELECT 1 FROM okms_kek) AND NOT EXISTS (SELECT 1 FROM okms_row);
