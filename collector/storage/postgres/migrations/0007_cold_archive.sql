-- Whether what the day has is in the cold archive, and until when a day that came back from there is left alone; see the
-- SQLite schema's migration of the same name.
ALTER TABLE event_day ADD COLUMN archived BIGINT NOT NULL DEFAULT 0;
ALTER TABLE event_day ADD COLUMN kept_until BIGINT NOT NULL DEFAULT 0;
