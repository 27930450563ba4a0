CREATE TABLE project (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
);

CREATE TABLE project_key (
  public_key TEXT PRIMARY KEY,
  project_id INTEGER NOT NULL REFERENCES project (id),
  is_active  INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX project_key_by_project ON project_key (project_id, created_at);

-- Words such as levels and states are stored as their numbers in records.h.
CREATE TABLE issue (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id  INTEGER NOT NULL REFERENCES project (id),
  fingerprint TEXT NOT NULL,
  title       TEXT NOT NULL,
  type        TEXT NOT NULL,
  value       TEXT NOT NULL,
  culprit     TEXT NOT NULL,
  platform    TEXT NOT NULL,
  level       INTEGER NOT NULL,
  status      INTEGER NOT NULL DEFAULT 0,
  count       INTEGER NOT NULL,
  user_count  INTEGER NOT NULL DEFAULT 0,
  first_seen  INTEGER NOT NULL,
  last_seen   INTEGER NOT NULL,
  UNIQUE (project_id, fingerprint)
);

CREATE INDEX issue_by_last_seen ON issue (last_seen, id);
CREATE INDEX issue_by_first_seen ON issue (first_seen, id);
CREATE INDEX issue_by_count ON issue (count, id);
CREATE INDEX issue_by_user_count ON issue (user_count, id);

-- Events per issue and hour; `hour` is the start of the hour in Unix milliseconds.
CREATE TABLE issue_hour (
  issue_id INTEGER NOT NULL REFERENCES issue (id),
  hour     INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  PRIMARY KEY (issue_id, hour)
) WITHOUT ROWID;

CREATE TABLE issue_user (
  issue_id INTEGER NOT NULL REFERENCES issue (id),
  user     TEXT NOT NULL,
  PRIMARY KEY (issue_id, user)
) WITHOUT ROWID;

CREATE TABLE event (
  id            INTEGER PRIMARY KEY,
  project_id    INTEGER NOT NULL REFERENCES project (id),
  event_id      TEXT NOT NULL,
  issue_id      INTEGER NOT NULL REFERENCES issue (id),
  received_at   INTEGER NOT NULL,
  timestamp     INTEGER NOT NULL,
  level         INTEGER NOT NULL,
  platform      TEXT NOT NULL,
  environment   TEXT NOT NULL,
  "release"     TEXT NOT NULL,
  "transaction" TEXT NOT NULL,
  server_name   TEXT NOT NULL,
  user          TEXT NOT NULL,
  title         TEXT NOT NULL,
  type          TEXT NOT NULL,
  value         TEXT NOT NULL,
  culprit       TEXT NOT NULL,
  tags          TEXT NOT NULL,
  payload       BLOB NOT NULL,
  UNIQUE (project_id, event_id)
);

CREATE INDEX event_by_received ON event (received_at, id);
CREATE INDEX event_by_project ON event (project_id, received_at, id);
CREATE INDEX event_by_issue ON event (issue_id, received_at, id);
CREATE INDEX event_by_environment ON event (issue_id, environment);
CREATE INDEX event_by_release ON event (issue_id, "release");

CREATE TABLE account (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  email         TEXT NOT NULL UNIQUE,
  role          INTEGER NOT NULL,
  password_hash TEXT NOT NULL,
  created_at    INTEGER NOT NULL
);

CREATE TABLE sign_in_session (
  session_hash TEXT PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES account (id),
  expires_at   INTEGER NOT NULL
) WITHOUT ROWID;

-- At most one row: the link that makes the first owner.
CREATE TABLE welcome_link (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  link_hash  TEXT NOT NULL,
  expires_at INTEGER NOT NULL
);

CREATE TABLE api_token (
  token_hash TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  scope      INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
