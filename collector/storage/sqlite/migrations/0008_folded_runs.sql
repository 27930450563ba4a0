-- Runs that have told nothing for long and stand in the ledger alone. What is told of one later must not be counted again.
CREATE TABLE folded_run (
  project_id INTEGER NOT NULL,
  run        BLOB NOT NULL,
  told_at    INTEGER NOT NULL,           -- when it told something last
  counted    INTEGER NOT NULL,           -- what the ledger has of it as not stored: dropped, or unknown
  PRIMARY KEY (project_id, run)
) WITHOUT ROWID;

CREATE INDEX folded_run_by_news ON folded_run (project_id, told_at);
