-- What the SQLite schema's migration 0011 adds, which says what each is for.
CREATE TABLE tag_key (
  project_id BIGINT NOT NULL,
  key        TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (project_id, key)
);

CREATE TABLE tag (
  id         BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL,
  key        TEXT COLLATE "C" NOT NULL,
  value      TEXT COLLATE "C" NOT NULL,
  UNIQUE (project_id, key, value)
);

CREATE TABLE hash_tag (
  hash_id   BIGINT NOT NULL,
  tag_id    BIGINT NOT NULL,
  count     BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  PRIMARY KEY (hash_id, tag_id)
);
CREATE INDEX hash_tag_by_tag ON hash_tag (tag_id, hash_id);

CREATE TABLE event_user (
  project_id BIGINT NOT NULL,
  kind       BIGINT NOT NULL,
  value      TEXT COLLATE "C" NOT NULL,
  "user"     BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL,
  PRIMARY KEY (project_id, kind, value, "user")
);
CREATE INDEX hash_user_by_user ON hash_user ("user", hash_id);

CREATE INDEX hash_presence_by_release ON hash_presence (release_id, hash_id);
CREATE INDEX hash_presence_by_environment ON hash_presence (environment_id, hash_id);

-- A list of numbers as SQLite takes it, which is one parameter whatever its length.
CREATE FUNCTION json_each(TEXT) RETURNS TABLE (value BIGINT) IMMUTABLE PARALLEL SAFE LANGUAGE SQL AS
  'SELECT CAST(one AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS one';

-- The words of what events say, by the day of receipt; each day is a partition of its own, which goes as a whole.
CREATE TABLE event_text (
  day     BIGINT NOT NULL,
  hash_id BIGINT NOT NULL,
  words   TSVECTOR NOT NULL
) PARTITION BY RANGE (day);
CREATE INDEX event_text_by_words ON event_text USING GIN (words);

-- Letters without their accents. text_index.h has made blanks of ASCII's signs, and of those that come of it here, too.
CREATE FUNCTION plain_letters(TEXT) RETURNS TEXT IMMUTABLE PARALLEL SAFE LANGUAGE SQL AS $$
  SELECT CASE WHEN octet_length($1) = char_length($1) THEN $1
              ELSE regexp_replace(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g'),
                                  '[\u0021-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e]', ' ', 'g') END
$$;
