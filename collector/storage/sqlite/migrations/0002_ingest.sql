-- What the doors ask about a project and a key. Lists are texts with one entry a line.
ALTER TABLE project ADD COLUMN require_signature INTEGER NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN allowed_origins TEXT NOT NULL DEFAULT '';
ALTER TABLE project ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '';
ALTER TABLE project ADD COLUMN rate_limit_per_hour INTEGER NOT NULL DEFAULT 0;
ALTER TABLE project_key ADD COLUMN secret_key TEXT NOT NULL DEFAULT '';
ALTER TABLE project_key ADD COLUMN rate_limit_per_hour INTEGER NOT NULL DEFAULT 0;

-- Refused events and requests; `hour` is the start of the hour in Unix milliseconds.
CREATE TABLE refusal_hour (
  project_id INTEGER NOT NULL REFERENCES project (id),
  hour       INTEGER NOT NULL,
  reason     TEXT NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (project_id, hour, reason)
) WITHOUT ROWID;

-- What clients tell beside events. Of a kind that is not replaced by later news, item_id keeps a second copy out.
CREATE TABLE attachment (
  id              INTEGER PRIMARY KEY,
  item_id         TEXT NOT NULL UNIQUE,
  project_id      INTEGER NOT NULL REFERENCES project (id),
  event_id        TEXT NOT NULL,
  received_at     INTEGER NOT NULL,
  filename        TEXT NOT NULL,
  content_type    TEXT NOT NULL,
  attachment_type TEXT NOT NULL,
  bytes           BLOB NOT NULL
);

CREATE INDEX attachment_by_event ON attachment (project_id, event_id);

CREATE TABLE session (
  project_id  INTEGER NOT NULL REFERENCES project (id),
  sid         TEXT NOT NULL,
  item_id     TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  user        TEXT NOT NULL,
  status      INTEGER NOT NULL,
  errors      INTEGER NOT NULL,
  sequence    INTEGER NOT NULL,
  started     INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  "release"   TEXT NOT NULL,
  environment TEXT NOT NULL,
  PRIMARY KEY (project_id, sid)
) WITHOUT ROWID;

CREATE INDEX session_by_start ON session (project_id, started);

CREATE TABLE session_count (
  item_id     TEXT PRIMARY KEY,
  project_id  INTEGER NOT NULL REFERENCES project (id),
  received_at INTEGER NOT NULL,
  started     INTEGER NOT NULL,
  user        TEXT NOT NULL,
  exited      INTEGER NOT NULL,
  errored     INTEGER NOT NULL,
  crashed     INTEGER NOT NULL,
  abnormal    INTEGER NOT NULL,
  "release"   TEXT NOT NULL,
  environment TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX session_count_by_start ON session_count (project_id, started);

CREATE TABLE user_report (
  item_id     TEXT PRIMARY KEY,
  project_id  INTEGER NOT NULL REFERENCES project (id),
  received_at INTEGER NOT NULL,
  report_id   TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  name        TEXT NOT NULL,
  email       TEXT NOT NULL,
  message     TEXT NOT NULL,
  url         TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX user_report_by_event ON user_report (project_id, event_id);

CREATE TABLE client_loss (
  item_id     TEXT PRIMARY KEY,
  project_id  INTEGER NOT NULL REFERENCES project (id),
  received_at INTEGER NOT NULL,
  timestamp   INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  category    TEXT NOT NULL,
  quantity    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX client_loss_by_time ON client_loss (project_id, timestamp);

CREATE TABLE check_in (
  project_id     INTEGER NOT NULL REFERENCES project (id),
  check_in_id    TEXT NOT NULL,
  item_id        TEXT NOT NULL,
  received_at    INTEGER NOT NULL,
  monitor        TEXT NOT NULL,
  status         INTEGER NOT NULL,
  duration_ms    INTEGER NOT NULL,
  "release"      TEXT NOT NULL,
  environment    TEXT NOT NULL,
  monitor_config TEXT NOT NULL,
  PRIMARY KEY (project_id, check_in_id)
) WITHOUT ROWID;

CREATE TABLE transaction_summary (
  item_id     TEXT PRIMARY KEY,
  project_id  INTEGER NOT NULL REFERENCES project (id),
  received_at INTEGER NOT NULL,
  event_id    TEXT NOT NULL,
  name        TEXT NOT NULL,
  operation   TEXT NOT NULL,
  status      TEXT NOT NULL,
  trace_id    TEXT NOT NULL,
  started     INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  "release"   TEXT NOT NULL,
  environment TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX transaction_summary_by_start ON transaction_summary (project_id, started);
