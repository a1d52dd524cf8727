-- What makes the database refuse to delete a KEK that seals a row. It was a foreign key, which looks the KEK up for each new row and locks
-- it there, so that all who write rows at the same time also write the row of the current KEK. Now a statement that writes rows looks once,
-- whoever sends it, under a lock that it shares with all others; whoever deletes a KEK takes the lock of that KEK alone.
--
-- Why nothing comes in between. A statement that writes rows takes the locks of their KEKs and then looks for the KEKs; its transaction
-- keeps the locks. A deletion takes the lock, which waits for all transactions that wrote rows under the KEK, and then looks for rows: it
-- sees all that they committed. Whoever writes under the KEK after that waits until the deletion has ended, looks, and sees no KEK.

CREATE FUNCTION okms_kek_lock(kek_id bytea) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || encode(substring(kek_id FROM 1 FOR 8), 'hex'))::bit(64)::bigint
$$;

CREATE FUNCTION okms_row_require_kek() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(okms_kek_lock(w.kek_id)) FROM (SELECT DISTINCT kek_id FROM written) w;

  -- A transaction that sees the database as it was at its beginning sees a KEK that has gone since; but it cannot lock its row.
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM 1 FROM okms_kek k WHERE k.kek_id IN (SELECT w.kek_id FROM written w) FOR KEY SHARE;
  END IF;
  IF EXISTS (SELECT 1 FROM written w WHERE NOT EXISTS (SELECT 1 FROM okms_kek k WHERE k.kek_id = w.kek_id)) THEN
    RAISE foreign_key_violation USING MESSAGE = 'A row is sealed under a KEK that does not exist.', TABLE = 'okms_row';
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER okms_row_inserted_under_kek AFTER INSERT ON okms_row REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION okms_row_require_kek();

CREATE TRIGGER okms_row_updated_under_kek AFTER UPDATE ON okms_row REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION okms_row_require_kek();

CREATE FUNCTION okms_kek_require_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.kek_id = OLD.kek_id THEN
    RETURN NEW;
  END IF;
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE feature_not_supported USING MESSAGE = 'A KEK is deleted only by a transaction that is READ COMMITTED.', TABLE = 'okms_kek';
  END IF;
  PERFORM pg_advisory_xact_lock(okms_kek_lock(OLD.kek_id));
  IF EXISTS (SELECT 1 FROM okms_row r WHERE r.kek_id = OLD.kek_id) THEN
    RAISE foreign_key_violation USING MESSAGE = 'Rows are sealed under the KEK.', TABLE = 'okms_kek';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;

CREATE TRIGGER okms_kek_require_unused BEFORE DELETE OR UPDATE OF kek_id ON okms_kek
FOR EACH ROW EXECUTE FUNCTION okms_kek_require_unused();

-- It has locked the table, for whose rows every writer looks.
CREATE FUNCTION okms_kek_require_no_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE feature_not_supported USING MESSAGE = 'KEKs are deleted only by a transaction that is READ COMMITTED.', TABLE = 'okms_kek';
  END IF;
  IF EXISTS (SELECT 1 FROM okms_row) THEN
    RAISE foreign_key_violation USING MESSAGE = 'Rows are sealed under the KEKs.', TABLE = 'okms_kek';
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER okms_kek_require_no_rows BEFORE TRUNCATE ON okms_kek
FOR EACH STATEMENT EXECUTE FUNCTION okms_kek_require_no_rows();

-- It waits for all who read or write the tables, and whoever comes after it waits for it: behind a dump, better not at all.
SET LOCAL lock_timeout = '5s';
ALTER TABLE okms_row DROP CONSTRAINT okms_row_kek_id_fkey;
