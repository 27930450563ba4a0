-- The weeks (their beginning, Unix milliseconds) of which there is an index of texts: for each the tables
-- text_word_WEEK, text_phrase_WEEK and text_place_WEEK, WEEK being the first day counted from 1970 (sqlite/text_index.h),
-- which go as a whole. text_day is of what was indexed before, by the day; its tables become weeks when the database is
-- opened (sqlite/old_text_index.h).
CREATE TABLE text_week (
  week      INTEGER PRIMARY KEY,
  is_merged INTEGER NOT NULL DEFAULT 0  -- whether its indexes are in one piece, as they are when it is over
);
