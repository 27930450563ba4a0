-- How far each collector's spool has been digested: the place of the last event stored or set aside. In a file there is
-- one collector, without a name.
CREATE TABLE node_position (
  node     TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO node_position SELECT '', sequence FROM digest_position;
DROP TABLE digest_position;

-- Grows with each change after which what a writer remembers of hashes, issues and names may be wrong. One row.
CREATE TABLE place_epoch (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
);
INSERT INTO place_epoch (id, number) VALUES (1, 0);
