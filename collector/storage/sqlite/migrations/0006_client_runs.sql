-- What runs of programs with libtrapline have counted, as far as they have told. What has grown since the last time stands
-- in the ledger by then; what a run cannot account for yet, captured - reached - dropped, is read from here.
CREATE TABLE client_run (
  project_id INTEGER NOT NULL REFERENCES project (id),
  run        TEXT NOT NULL,
  "release"  TEXT NOT NULL,
  told_at    INTEGER NOT NULL,
  captured   INTEGER NOT NULL,
  reached    INTEGER NOT NULL,
  dropped    INTEGER NOT NULL,           -- the sum of its client_run_drop
  PRIMARY KEY (project_id, run)
) WITHOUT ROWID;

CREATE INDEX client_run_by_news ON client_run (project_id, told_at);

CREATE TABLE client_run_drop (
  project_id INTEGER NOT NULL,
  run        TEXT NOT NULL,
  reason     TEXT NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (project_id, run, reason)
) WITHOUT ROWID;
