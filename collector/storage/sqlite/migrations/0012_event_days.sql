-- Events are in files of their own, one for each UTC day of receipt, in the folder "<this file>.days"
-- (sqlite/event_days.h); `event` makes them one table.

-- The days that there are, by their numbers since 1970-01-01.
CREATE TABLE event_day (
  day          INTEGER PRIMARY KEY,
  is_leaving   INTEGER NOT NULL DEFAULT 0,  -- it is about to be dropped
  lowered_hash INTEGER NOT NULL DEFAULT 0,  -- up to which group hash its events are counted as kept no more
  thinned_to   INTEGER NOT NULL DEFAULT 0   -- how many events of each group hash it keeps at most; 0: all
);

-- The number of the last transaction that wrote events.
CREATE TABLE event_batch (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
);
INSERT INTO event_batch (id, number) VALUES (1, 0);

ALTER TABLE event RENAME TO event_before;
CREATE VIRTUAL TABLE event USING event_days;
INSERT INTO event (id, project_id, hash_id, event_id, data, summary)
  SELECT id, project_id, hash_id, event_id, data, summary FROM event_before ORDER BY id;
DROP TABLE event_before;

-- For how many days the project's events are kept; 0: as long as those of others.
DROP VIEW live_project;
ALTER TABLE project ADD COLUMN retention_days INTEGER NOT NULL DEFAULT 0;
CREATE VIEW live_project AS SELECT * FROM project WHERE deleted_at IS NULL;
CREATE INDEX attachment_by_receipt ON attachment (project_id, received_at, item_id);
