-- What the fence asks for: which rows changed since it last asked. The answer must not depend on clocks, since commits are not
-- in the order of their time stamps; so a row carries the transaction that wrote it. Whatever is not visible in a snapshot was
-- written by a transaction at or above that snapshot's xmin (or one that is still to come, which is above it too), however
-- long its commit takes and whatever any clock says.
--
-- A trigger, because the queries that running silos have loaded stay as they are. Counters (key.usage) and older versions
-- (key.v1 and so on) are left out: the first guard themselves by their versions, the second never change.
ALTER TABLE okms_row ADD COLUMN modified_xid xid8;

CREATE FUNCTION okms_row_note_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.modified_xid := pg_current_xact_id();
  RETURN NEW;
END
$$;

CREATE TRIGGER okms_row_note_transaction BEFORE INSERT OR UPDATE ON okms_row
FOR EACH ROW WHEN (NEW.row_name NOT LIKE 'key.%') EXECUTE FUNCTION okms_row_note_transaction();

CREATE INDEX okms_row_modified_xid ON okms_row (service_id, modified_xid) WHERE modified_xid IS NOT NULL;

-- Nothing has used it, and every write of a counter maintained it.
DROP INDEX okms_row_modified;
