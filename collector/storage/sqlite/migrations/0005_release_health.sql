-- How releases do, added up as sessions come. `hour` is the start of the hour the session began in, Unix milliseconds.
CREATE TABLE release_hour (
  project_id  INTEGER NOT NULL REFERENCES project (id),
  hour        INTEGER NOT NULL,
  "release"   TEXT NOT NULL,
  environment TEXT NOT NULL,
  sessions    INTEGER NOT NULL,
  errored     INTEGER NOT NULL,
  crashed     INTEGER NOT NULL,
  abnormal    INTEGER NOT NULL,
  PRIMARY KEY (project_id, hour, "release", environment)
) WITHOUT ROWID;

-- Whom a release has met on a day (start, Unix milliseconds), by hash, and whether it crashed for them.
CREATE TABLE release_user (
  project_id  INTEGER NOT NULL REFERENCES project (id),
  day         INTEGER NOT NULL,
  "release"   TEXT NOT NULL,
  environment TEXT NOT NULL,
  user_hash   INTEGER NOT NULL,
  has_crashed INTEGER NOT NULL,
  PRIMARY KEY (project_id, day, "release", environment, user_hash)
) WITHOUT ROWID;

-- What is there already. The states are SessionStatus: 0 ok, 1 exited, 2 errored, 3 unhandled, 4 crashed, 5 abnormal.
INSERT INTO release_hour
SELECT project_id, hour, "release", environment, sum(sessions), sum(errored), sum(crashed), sum(abnormal) FROM (
  SELECT project_id, started - started % 3600000 AS hour, "release", environment, 1 AS sessions,
         status IN (2, 3) OR (status IN (0, 1) AND errors > 0) AS errored, status = 4 AS crashed, status = 5 AS abnormal
  FROM session
  UNION ALL
  SELECT project_id, started - started % 3600000, "release", environment, exited + errored + crashed + abnormal,
         errored, crashed, abnormal
  FROM session_count)
GROUP BY project_id, hour, "release", environment;

INSERT INTO release_user
SELECT project_id, day, "release", environment, user_hash(user), max(has_crashed) FROM (
  SELECT project_id, started - started % 86400000 AS day, "release", environment, user, status = 4 AS has_crashed
  FROM session WHERE user <> ''
  UNION ALL
  SELECT project_id, started - started % 86400000, "release", environment, user, crashed > 0
  FROM session_count WHERE user <> '')
GROUP BY project_id, day, "release", environment, user_hash(user);
