-- What issues are searched by beside their own columns.

-- The keys of tags that events had.
CREATE TABLE tag_key (
  project_id INTEGER NOT NULL,
  key        TEXT NOT NULL,
  PRIMARY KEY (project_id, key)
) WITHOUT ROWID;

-- Their values; the empty one stands for all that a key had beyond its bound. The id is made of the rest
-- (search_writer.h), so that nobody has to ask for it.
CREATE TABLE tag (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL,
  key        TEXT NOT NULL,
  value      TEXT NOT NULL,
  UNIQUE (project_id, key, value)
);

CREATE TABLE hash_tag (
  hash_id   INTEGER NOT NULL,
  tag_id    INTEGER NOT NULL,
  count     INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (hash_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX hash_tag_by_tag ON hash_tag (tag_id, hash_id);

-- What events told of users: who (as in hash_user) has had which id, address and so on. `kind` is a UserField.
CREATE TABLE event_user (
  project_id INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  value      TEXT NOT NULL,
  user       INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,            -- may lag behind by an hour
  PRIMARY KEY (project_id, kind, value, user)
) WITHOUT ROWID;
CREATE INDEX hash_user_by_user ON hash_user (user, hash_id);

CREATE INDEX hash_presence_by_release ON hash_presence (release_id, hash_id);
CREATE INDEX hash_presence_by_environment ON hash_presence (environment_id, hash_id);

-- The days (their beginning, Unix milliseconds) of which there is an index of texts: for each the tables text_index_DAY
-- and text_row_DAY, counted from 1970 (sqlite/text_index.h), which go as a whole.
CREATE TABLE text_day (
  day INTEGER PRIMARY KEY
);
