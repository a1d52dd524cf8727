-- A row with a version that is to be destroyed does not open in an older program, so that none is written before the feature level is
-- 3. A database that was never used needs no such level: no older program may begin to use it. Nor would one renew the manifest of the
-- KEKs, of 0009, when it changes them.
UPDATE okms_schema SET least_program_version = 2
WHERE id = 1 AND least_program_version < 2
  AND NOT EXISTS (SELECT 1 FROM okms_kek) AND NOT EXISTS (SELECT 1 FROM okms_row);
