-- What is remembered of events that were counted and not kept, and of who users are, goes with the age of events.
-- What is there was received now, as far as is known.
ALTER TABLE event_counted ADD COLUMN received_at INTEGER NOT NULL DEFAULT 0;
UPDATE event_counted SET received_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
CREATE INDEX event_counted_by_age ON event_counted (project_id, received_at);
CREATE INDEX event_user_by_age ON event_user (project_id, last_seen);
