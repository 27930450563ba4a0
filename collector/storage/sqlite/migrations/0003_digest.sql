-- Releases and environments by name, once each. `version` and `name` may be empty: events without one.
CREATE TABLE "release" (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL,
  version    TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  UNIQUE (project_id, version)
);

CREATE TABLE environment (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL,
  name       TEXT NOT NULL,
  UNIQUE (project_id, name)
);

ALTER TABLE issue RENAME TO issue_1;
DROP INDEX issue_by_last_seen;
DROP INDEX issue_by_first_seen;
DROP INDEX issue_by_count;
DROP INDEX issue_by_user_count;

CREATE TABLE issue (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id    INTEGER NOT NULL REFERENCES project (id),
  title         TEXT NOT NULL,
  type          TEXT NOT NULL,
  value         TEXT NOT NULL,
  culprit       TEXT NOT NULL,
  platform      TEXT NOT NULL,
  level         INTEGER NOT NULL,
  status        INTEGER NOT NULL DEFAULT 0,
  count         INTEGER NOT NULL,
  stored_count  INTEGER NOT NULL,            -- of `count`, those whose event is kept
  user_count    INTEGER NOT NULL DEFAULT 0,
  first_seen    INTEGER NOT NULL,
  last_seen     INTEGER NOT NULL,
  assignee      TEXT NOT NULL DEFAULT '',
  -- How the status ends by itself; NULL: it does not. See storage/issue_life.h.
  status_at            INTEGER NOT NULL DEFAULT 0,
  resolved_release     TEXT,
  resolved_is_next     INTEGER NOT NULL DEFAULT 0,
  ignored_until        INTEGER,
  ignored_until_count  INTEGER,
  ignored_until_users  INTEGER
);

INSERT INTO issue (id, project_id, title, type, value, culprit, platform, level, status, count, stored_count, user_count,
                   first_seen, last_seen)
  SELECT id, project_id, title, type, value, culprit, platform, level, status, count, count, user_count, first_seen,
         last_seen
  FROM issue_1;

CREATE INDEX issue_by_last_seen ON issue (last_seen, id);
CREATE INDEX issue_by_first_seen ON issue (first_seen, id);
CREATE INDEX issue_by_count ON issue (count, id);
CREATE INDEX issue_by_user_count ON issue (user_count, id);
CREATE INDEX issue_by_ignored_until ON issue (ignored_until) WHERE ignored_until IS NOT NULL;

-- Group hashes. An issue has one or more of kind 0 (fine); what is counted is counted by them, so that merging and
-- unmerging moves rows here and touches no event. Those of kind 1 (coarse) only lead events with a new fine hash to an
-- issue.
CREATE TABLE issue_hash (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  hash       TEXT NOT NULL,
  issue_id   INTEGER NOT NULL REFERENCES issue (id),
  title        TEXT NOT NULL DEFAULT '',
  count        INTEGER NOT NULL DEFAULT 0,
  stored_count INTEGER NOT NULL DEFAULT 0,
  first_seen   INTEGER NOT NULL DEFAULT 0,
  last_seen    INTEGER NOT NULL DEFAULT 0,
  UNIQUE (project_id, kind, hash)
);
CREATE INDEX issue_hash_by_issue ON issue_hash (issue_id);

INSERT INTO issue_hash (id, project_id, kind, hash, issue_id, title, count, stored_count, first_seen, last_seen)
  SELECT id, project_id, 0, fingerprint, id, title, count, count, first_seen, last_seen FROM issue_1;

-- Events per hash and hour; `hour` is the start of the hour in Unix milliseconds.
CREATE TABLE hash_hour (
  hash_id INTEGER NOT NULL,
  hour    INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (hash_id, hour)
) WITHOUT ROWID;
INSERT INTO hash_hour SELECT issue_id, hour, count FROM issue_hour;
DROP TABLE issue_hour;

-- Who was affected: 64 bits of a hash of what tells a user apart.
CREATE TABLE hash_user (
  hash_id INTEGER NOT NULL,
  user    INTEGER NOT NULL,
  PRIMARY KEY (hash_id, user)
) WITHOUT ROWID;
INSERT INTO hash_user SELECT issue_id, user_hash(user) FROM issue_user;
DROP TABLE issue_user;

-- In which release and environment, how often and when.
CREATE TABLE hash_presence (
  hash_id        INTEGER NOT NULL,
  release_id     INTEGER NOT NULL,
  environment_id INTEGER NOT NULL,
  count          INTEGER NOT NULL,
  first_seen     INTEGER NOT NULL,
  last_seen      INTEGER NOT NULL,
  PRIMARY KEY (hash_id, release_id, environment_id)
) WITHOUT ROWID;

-- Events. The id is the time of receipt in milliseconds, shifted left by 20 bits, plus a number that tells those of one
-- millisecond apart: it gives the order of receipt, and the day. `data` is the event as event_codec.h packs it; rows of
-- schema 1 have a payload alone there and the rest in `summary`. The columns without an index of their own come out of
-- `data`: a row is as small as it can be.
ALTER TABLE event RENAME TO event_1;
DROP INDEX event_by_received;
DROP INDEX event_by_project;
DROP INDEX event_by_issue;
DROP INDEX event_by_environment;
DROP INDEX event_by_release;

CREATE TABLE event (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL,
  hash_id    INTEGER NOT NULL,
  event_id   BLOB NOT NULL,
  data       BLOB NOT NULL,
  summary    TEXT,
  UNIQUE (project_id, event_id)
);

INSERT INTO "release" (project_id, version, first_seen, last_seen)
  SELECT project_id, "release", min(timestamp), max(timestamp) FROM event_1 GROUP BY 1, 2;
INSERT INTO environment (project_id, name) SELECT DISTINCT project_id, environment FROM event_1;
INSERT INTO hash_presence
  SELECT event_1.issue_id, "release".id, environment.id, count(*), min(timestamp), max(timestamp)
  FROM event_1
  JOIN "release" ON "release".project_id = event_1.project_id AND version = event_1."release"
  JOIN environment ON environment.project_id = event_1.project_id AND name = event_1.environment
  GROUP BY 1, 2, 3;

INSERT INTO event (id, project_id, hash_id, event_id, data, summary)
  SELECT (received_at << 20) + row_number() OVER (PARTITION BY received_at ORDER BY id) - 1, project_id, issue_id,
         from_hex(event_id), payload,
         json_array(timestamp, level, platform, environment, "release", "transaction", server_name, user, title, type,
                    value, culprit, json(tags))
  FROM event_1;
DROP TABLE event_1;
DROP TABLE issue_1;

CREATE INDEX event_by_project ON event (project_id);
CREATE INDEX event_by_hash ON event (hash_id);

-- Events that were counted and not kept, so that they are not counted again.
CREATE TABLE event_counted (
  project_id INTEGER NOT NULL,
  event_id   BLOB NOT NULL,
  PRIMARY KEY (project_id, event_id)
) WITHOUT ROWID;

-- zstd dictionaries by the id that frames name. Never deleted while an event needs it.
CREATE TABLE payload_dictionary (
  id         INTEGER PRIMARY KEY,
  created_at INTEGER NOT NULL,
  bytes      BLOB NOT NULL
);

-- What happened to an issue. `kind` is a word of storage/issue_life.h, `actor` who did it (empty: an event, or the
-- clock), `details` a JSON object.
CREATE TABLE issue_history (
  id       INTEGER PRIMARY KEY,
  issue_id INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  actor    TEXT NOT NULL,
  details  TEXT NOT NULL
);
CREATE INDEX issue_history_by_issue ON issue_history (issue_id);

-- How a project's events are digested: a JSON object (digest/digest_settings.h).
CREATE TABLE digest_settings (
  project_id INTEGER PRIMARY KEY,
  settings   TEXT NOT NULL
);
-- Issues that are there were found by the first version of the grouping.
INSERT INTO digest_settings SELECT DISTINCT project_id, '{"grouping":{"version":2,"previous_version":1}}' FROM issue;

-- Events that could not be digested, as they came.
CREATE TABLE quarantined_event (
  id          INTEGER PRIMARY KEY,
  project_id  INTEGER NOT NULL,
  event_id    TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  tries       INTEGER NOT NULL,
  error       TEXT NOT NULL,
  payload     BLOB NOT NULL,
  UNIQUE (project_id, event_id)
);

-- Where events went, by hour, release, outcome and reason, as the collector and its clients counted it.
CREATE TABLE ledger (
  project_id INTEGER NOT NULL,
  hour       INTEGER NOT NULL,
  "release"  TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  reason     TEXT NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (project_id, hour, "release", outcome, reason)
) WITHOUT ROWID;
