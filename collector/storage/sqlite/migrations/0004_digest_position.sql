-- How far the spool has been digested: the place of the last event stored or set aside. One row at most.
CREATE TABLE digest_position (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  sequence INTEGER NOT NULL
);

-- Of a fine hash, the coarse one that its events come with; NULL: they have none. When the fine hash leaves its issue,
-- the coarse one goes with it, unless another needs it.
ALTER TABLE issue_hash ADD COLUMN coarse_id INTEGER REFERENCES issue_hash (id);
