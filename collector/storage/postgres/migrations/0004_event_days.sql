-- Events are parted by the UTC day of their receipt, by which their ids are numbered (sql/event_ids.h).

-- The days that there are, by their numbers since 1970-01-01.
CREATE TABLE event_day (
  day          BIGINT PRIMARY KEY,
  is_leaving   BIGINT NOT NULL DEFAULT 0,  -- it is about to be dropped
  lowered_hash BIGINT NOT NULL DEFAULT 0,  -- up to which group hash its events are counted as kept no more
  thinned_to   BIGINT NOT NULL DEFAULT 0   -- how many events of each group hash it keeps at most; 0: all
);

ALTER TABLE event RENAME TO event_before;
ALTER TABLE event_before DROP CONSTRAINT event_pkey;
DROP INDEX event_by_project;
DROP INDEX event_by_hash;
CREATE TABLE event (
  id         BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL,
  hash_id    BIGINT NOT NULL,
  event_id   BYTEA NOT NULL,
  data       BYTEA NOT NULL,
  summary    TEXT COLLATE "C"
) PARTITION BY RANGE (id);
CREATE INDEX event_by_project ON event (project_id, id);
CREATE INDEX event_by_hash ON event (hash_id, id);

-- Made beside the table and attached then, which keeps nobody from reading. What one day has is unique; that no other
-- has it is looked up before it is stored.
CREATE FUNCTION make_event_day(number BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  name TEXT := 'event_' || number;
  day_ids CONSTANT BIGINT := 86400000::BIGINT << 20;
BEGIN
  IF to_regclass(name) IS NULL THEN
    EXECUTE format('CREATE TABLE %I (LIKE event INCLUDING ALL)', name);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (project_id, event_id)', name);
    EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, number * day_ids,
                   (number + 1) * day_ids);
  END IF;
  INSERT INTO event_day (day) VALUES (number) ON CONFLICT (day) DO NOTHING;
END $$;

SELECT make_event_day(number)
FROM (SELECT DISTINCT (id >> 20) / 86400000 AS number FROM event_before ORDER BY number) AS days;
INSERT INTO event SELECT id, project_id, hash_id, event_id, data, summary FROM event_before;
DROP TABLE event_before;

-- For how many days the project's events are kept; 0: as long as those of others.
DROP VIEW live_project;
ALTER TABLE project ADD COLUMN retention_days BIGINT NOT NULL DEFAULT 0;
CREATE VIEW live_project AS SELECT * FROM project WHERE deleted_at IS NULL;
CREATE INDEX attachment_by_receipt ON attachment (project_id, received_at, item_id);
