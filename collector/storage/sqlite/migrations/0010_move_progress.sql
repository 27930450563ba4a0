-- How far moving another database into this one has come (sql/store_copy.h): of each part of a table how much of it is
-- here. Rows stand here from a move's start to its end; as long as they do nobody else works with the database.
CREATE TABLE move_progress (
  part         TEXT PRIMARY KEY,
  source       TEXT NOT NULL,              -- tells the database that it comes from
  last_key     BLOB NOT NULL,              -- of the last row, as row_code.h writes it; empty: there is none
  rows         INTEGER NOT NULL,
  checksum     INTEGER NOT NULL            -- of those rows
) WITHOUT ROWID;
