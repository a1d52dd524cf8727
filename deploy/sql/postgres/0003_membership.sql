-- Membership: which silos a cluster has. Every change of a silo's row also raises its cluster's version, in the one statement
-- that makes it, so of two silos that change what both have read only one succeeds.
CREATE TABLE okms_membership_version (
  cluster_id text COLLATE "C" NOT NULL PRIMARY KEY,
  version integer NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- generation tells the lives of one address apart. status is Orleans' SiloStatus: 1 created, 2 joining, 3 active,
-- 4 shutting down, 5 stopping, 6 dead.
CREATE TABLE okms_membership (
  cluster_id text COLLATE "C" NOT NULL REFERENCES okms_membership_version (cluster_id) ON DELETE CASCADE,
  address text COLLATE "C" NOT NULL,
  port integer NOT NULL,
  generation integer NOT NULL,
  silo_name text NOT NULL,
  host_name text NOT NULL,
  status integer NOT NULL,
  proxy_port integer NOT NULL,
  suspect_times text,
  start_time timestamptz NOT NULL,
  i_am_alive_time timestamptz NOT NULL,
  PRIMARY KEY (cluster_id, address, port, generation)
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('InsertMembershipVersionKey', '
  WITH inserted AS (
    INSERT INTO okms_membership_version (cluster_id, version) VALUES (@DeploymentId, 0)
    ON CONFLICT (cluster_id) DO NOTHING
    RETURNING 1
  )
  SELECT EXISTS (SELECT 1 FROM inserted)
');

-- A cluster always has its version, whether or not it has silos.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('MembershipReadAllKey', '
  SELECT m.address AS "Address", m.port AS "Port", m.generation AS "Generation", m.silo_name AS "SiloName",
    m.host_name AS "HostName", m.status AS "Status", m.proxy_port AS "ProxyPort", m.suspect_times AS "SuspectTimes",
    m.start_time AS "StartTime", m.i_am_alive_time AS "IAmAliveTime", v.version AS "Version"
  FROM okms_membership_version v LEFT JOIN okms_membership m ON m.cluster_id = v.cluster_id
  WHERE v.cluster_id = @DeploymentId
');

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('MembershipReadRowKey', '
  SELECT m.address AS "Address", m.port AS "Port", m.generation AS "Generation", m.silo_name AS "SiloName",
    m.host_name AS "HostName", m.status AS "Status", m.proxy_port AS "ProxyPort", m.suspect_times AS "SuspectTimes",
    m.start_time AS "StartTime", m.i_am_alive_time AS "IAmAliveTime", v.version AS "Version"
  FROM okms_membership_version v LEFT JOIN okms_membership m
    ON m.cluster_id = v.cluster_id AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
  WHERE v.cluster_id = @DeploymentId
');

-- The update of the version waits for whoever is changing it, then finds another version and changes nothing.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('InsertMembershipKey', '
  WITH raised AS (
    UPDATE okms_membership_version v SET version = version + 1, changed_at = clock_timestamp()
    WHERE v.cluster_id = @DeploymentId AND v.version = @Version AND NOT EXISTS (
      SELECT 1 FROM okms_membership m
      WHERE m.cluster_id = @DeploymentId AND m.address = @Address AND m.port = @Port AND m.generation = @Generation)
    RETURNING v.cluster_id
  ), inserted AS (
    INSERT INTO okms_membership (
      cluster_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time)
    SELECT
      cluster_id, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime
    FROM raised
    RETURNING 1
  )
  SELECT EXISTS (SELECT 1 FROM inserted)
');

-- A silo writes another one''s row as it has read it; the other''s sign of life since then stays.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('UpdateMembershipKey', '
  WITH raised AS (
    UPDATE okms_membership_version v SET version = version + 1, changed_at = clock_timestamp()
    WHERE v.cluster_id = @DeploymentId AND v.version = @Version AND EXISTS (
      SELECT 1 FROM okms_membership m
      WHERE m.cluster_id = @DeploymentId AND m.address = @Address AND m.port = @Port AND m.generation = @Generation)
    RETURNING v.cluster_id
  ), updated AS (
    UPDATE okms_membership m
    SET status = @Status, suspect_times = @SuspectTimes, i_am_alive_time = greatest(m.i_am_alive_time, @IAmAliveTime)
    FROM raised
    WHERE m.cluster_id = raised.cluster_id AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
    RETURNING 1
  )
  SELECT EXISTS (SELECT 1 FROM updated)
');

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('UpdateIAmAlivetimeKey', '
  UPDATE okms_membership SET i_am_alive_time = @IAmAliveTime
  WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
');

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('GatewaysQueryKey', '
  SELECT address AS "Address", proxy_port AS "ProxyPort", generation AS "Generation"
  FROM okms_membership
  WHERE cluster_id = @DeploymentId AND status = @Status AND proxy_port > 0
');

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('DeleteMembershipTableEntriesKey', '
  DELETE FROM okms_membership_version WHERE cluster_id = @DeploymentId
');

-- The provider chooses the entries and deletes each only if it still is as it was read.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('CleanupDefunctSiloEntryKey', '
  DELETE FROM okms_membership
  WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation AND status = 6
    AND start_time = @StartTime AND i_am_alive_time = @IAmAliveTime AND suspect_times IS NOT DISTINCT FROM @SuspectTimes
');

-- Asked for at start; used by providers that do not know the one above.
INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES ('CleanupDefunctSiloEntriesKey', '
  DELETE FROM okms_membership
  WHERE cluster_id = @DeploymentId AND status = 6 AND start_time < @IAmAliveTime AND i_am_alive_time < @IAmAliveTime
');
