-- Whether what the day has is in the cold archive (archive/archiver.h): 0 no, or not all of it; 1 it is being written
-- there; 2 all of it is.
ALTER TABLE event_day ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
-- A day that was brought back from there is left alone until then.
ALTER TABLE event_day ADD COLUMN kept_until INTEGER NOT NULL DEFAULT 0;
