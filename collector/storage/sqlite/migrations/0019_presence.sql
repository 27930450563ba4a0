-- Which keys the tags of a group hash have, and which environments it was seen in: for has:KEY and environment:NAME,
-- which would read all values of the key, and a row for each release. The key's columns come first: of others PRAGMA
-- integrity_check of SQLite 3.40 tells faults that are none.
CREATE TABLE hash_tag_key (
  hash_id    INTEGER NOT NULL,
  key        TEXT NOT NULL,
  project_id INTEGER NOT NULL,
  PRIMARY KEY (hash_id, key)
) WITHOUT ROWID;
INSERT INTO hash_tag_key (hash_id, key, project_id)
SELECT DISTINCT hash_id, key, project_id FROM hash_tag JOIN tag ON tag.id = tag_id;
CREATE INDEX hash_tag_key_by_key ON hash_tag_key (project_id, key, hash_id);

CREATE TABLE hash_environment (
  hash_id        INTEGER NOT NULL,
  environment_id INTEGER NOT NULL,
  PRIMARY KEY (hash_id, environment_id)
) WITHOUT ROWID;
INSERT INTO hash_environment (hash_id, environment_id) SELECT DISTINCT hash_id, environment_id FROM hash_presence;
CREATE INDEX hash_environment_by_environment ON hash_environment (environment_id, hash_id);
DROP INDEX hash_presence_by_environment;

-- They are derived, and the database keeps them. A tag's row comes before those that name it.
CREATE TRIGGER add_tag_key AFTER INSERT ON hash_tag BEGIN
  INSERT INTO hash_tag_key (hash_id, key, project_id) SELECT NEW.hash_id, key, project_id FROM tag WHERE id = NEW.tag_id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER add_environment AFTER INSERT ON hash_presence BEGIN
  INSERT INTO hash_environment (hash_id, environment_id) VALUES (NEW.hash_id, NEW.environment_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER forget_hash AFTER DELETE ON issue_hash BEGIN
  DELETE FROM hash_tag_key WHERE hash_id = OLD.id;
  DELETE FROM hash_environment WHERE hash_id = OLD.id;
END;

-- Which group hashes have a tag, without their counts: a table of its own on PostgreSQL.
CREATE VIEW tagged_hash AS SELECT tag_id, hash_id FROM hash_tag;
