-- The three database roles of a cluster, each with as little as it needs. Run it with psql, as a superuser or as whoever owns
-- the database and may create roles, in the cluster's database:
--
--   psql -v ON_ERROR_STOP=1 -d okms -f deploy/sql/roles.sql
--   psql -d okms -c '\password okms_owner' -c '\password okms_silo' -c '\password okms_gateway'
--
-- once before the first `migrate`, and again after each `migrate`, for the tables it created. It is idempotent. Other names:
-- -v owner=… -v silo=… -v gateway=…
--
--   owner    owns the schema and migrates it. It alone may write the table OrleansQuery, whose texts run as the silo.
--   silo     reads and writes rows, KEKs, reminders and membership; reads OrleansQuery.
--   gateway  reads membership and OrleansQuery, and nothing else: no row, sealed or not.
--
-- The database should be the cluster's own: nobody else may connect to it afterwards.
\set ON_ERROR_STOP on
\if :{?owner} \else \set owner okms_owner \endif
\if :{?silo} \else \set silo okms_silo \endif
\if :{?gateway} \else \set gateway okms_gateway \endif

-- In one transaction: running silos never lose their rights.
BEGIN;

-- Without a password nobody can sign in as them yet.
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name)
FROM unnest(ARRAY[:'owner', :'silo', :'gateway']) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \gexec

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I, %I', current_database(), :'silo', :'gateway') \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I, %I, %I', current_database(), :'owner', :'silo', :'gateway') \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC, :"silo", :"gateway";
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"silo", :"gateway";

-- Objects created before the owner role existed become the owner's.
SELECT format('ALTER TABLE public.%I OWNER TO %I', relname, :'owner')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND (relname LIKE 'okms\_%' OR relname = 'orleansquery')
  AND pg_get_userbyid(relowner) <> :'owner' \gexec

-- Migrations also replace functions, which only their owner may do.
SELECT format('ALTER ROUTINE %s OWNER TO %I', oid::regprocedure, :'owner')
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'okms\_%' AND pg_get_userbyid(proowner) <> :'owner' \gexec

-- Triggers on the rows of keys call it with the rights of who writes.
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', oid::regprocedure, :'silo')
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname = 'okms_kek_lock' \gexec

SELECT format('REVOKE ALL ON TABLE public.%I FROM PUBLIC, %I, %I', relname, :'silo', :'gateway')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' \gexec

-- A table in none of these lists belongs to the owner alone.
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.%I TO %I', relname, :'silo')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname IN (
  'okms_audit_event', 'okms_audit_log', 'okms_audit_record', 'okms_audit_state', 'okms_kek', 'okms_kek_destroyed', 'okms_kek_manifest', 'okms_kek_wrap', 'okms_root', 'okms_silo', 'okms_silo_kek', 'okms_row', 'okms_reminder', 'okms_membership',
  'okms_membership_version') \gexec

SELECT format('GRANT SELECT ON TABLE public.%I TO %I', relname, :'silo')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname IN ('okms_migration', 'okms_restore_epoch', 'okms_schema', 'orleansquery') \gexec

SELECT format('GRANT SELECT ON TABLE public.%I TO %I', relname, :'gateway')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname IN ('okms_membership', 'okms_membership_version', 'orleansquery') \gexec

COMMIT;
