-- What events say is indexed by the week of receipt (its beginning, Unix milliseconds; text_index.h), in partitions that
-- go as a whole: in which group hashes a word stands, and texts with the places of their words.
CREATE TABLE event_word (
  week    BIGINT NOT NULL,
  word    TEXT COLLATE "C" NOT NULL,
  hash_id BIGINT NOT NULL,
  PRIMARY KEY (week, word, hash_id)
) PARTITION BY RANGE (week);

CREATE TABLE event_phrase (
  week    BIGINT NOT NULL,
  hash_id BIGINT NOT NULL,
  mark    BIGINT NOT NULL,  -- the text's number among those of its group hash
  words   TSVECTOR NOT NULL,
  PRIMARY KEY (week, hash_id, mark)
) PARTITION BY RANGE (week);
CREATE INDEX event_phrase_by_words ON event_phrase USING GIN (words);

-- What was indexed by the day.
DO $$
DECLARE
  one RECORD;
BEGIN
  FOR one IN SELECT DISTINCT day - day % 604800000 AS week FROM event_text LOOP
    EXECUTE format('CREATE TABLE event_word_%s PARTITION OF event_word FOR VALUES FROM (%s) TO (%s)',
                   one.week / 86400000, one.week, one.week + 604800000);
    EXECUTE format('CREATE TABLE event_phrase_%s PARTITION OF event_phrase FOR VALUES FROM (%s) TO (%s)',
                   one.week / 86400000, one.week, one.week + 604800000);
  END LOOP;
END $$;
INSERT INTO event_phrase (week, hash_id, mark, words)
SELECT day - day % 604800000, hash_id, hashtextextended(CAST(words AS TEXT), 0) & 4294967295, words FROM event_text
ON CONFLICT DO NOTHING;
INSERT INTO event_word (week, word, hash_id)
SELECT DISTINCT week, lexeme, hash_id FROM event_phrase, unnest(words);
DROP TABLE event_text;
