-- Which keys the tags of a group hash have, which environments it was seen in (the SQLite schema's migration 0019), and
-- which group hashes have a tag: rows that are never updated, so that an index alone answers. Those of hash_tag and
-- hash_presence, which count, are updated all the time.
CREATE TABLE hash_tag_key (
  hash_id    BIGINT NOT NULL,
  key        TEXT COLLATE "C" NOT NULL,
  project_id BIGINT NOT NULL,
  PRIMARY KEY (hash_id, key)
);
CREATE TABLE hash_environment (
  hash_id        BIGINT NOT NULL,
  environment_id BIGINT NOT NULL,
  PRIMARY KEY (hash_id, environment_id)
);
CREATE TABLE tagged_hash (
  tag_id  BIGINT NOT NULL,
  hash_id BIGINT NOT NULL
);
INSERT INTO hash_tag_key (hash_id, key, project_id)
SELECT DISTINCT hash_id, key, project_id FROM hash_tag JOIN tag ON tag.id = tag_id ORDER BY hash_id, key;
INSERT INTO hash_environment (hash_id, environment_id)
SELECT DISTINCT hash_id, environment_id FROM hash_presence ORDER BY hash_id, environment_id;
INSERT INTO tagged_hash (tag_id, hash_id) SELECT tag_id, hash_id FROM hash_tag ORDER BY tag_id, hash_id;
CREATE INDEX hash_tag_key_by_key ON hash_tag_key (project_id, key, hash_id);
CREATE INDEX hash_environment_by_environment ON hash_environment (environment_id, hash_id);
ALTER TABLE tagged_hash ADD PRIMARY KEY (tag_id, hash_id);
DROP INDEX hash_tag_by_tag;
DROP INDEX hash_presence_by_environment;
ANALYZE hash_tag_key, hash_environment, tagged_hash;

-- They are derived, and the database keeps them. A tag's row comes before those that name it.
CREATE FUNCTION add_tagged_hashes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tagged_hash (tag_id, hash_id) SELECT tag_id, hash_id FROM added ON CONFLICT DO NOTHING;
  INSERT INTO hash_tag_key (hash_id, key, project_id)
  SELECT DISTINCT hash_id, key, project_id FROM added JOIN tag ON tag.id = tag_id ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION drop_tagged_hashes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM tagged_hash USING gone WHERE tagged_hash.tag_id = gone.tag_id AND tagged_hash.hash_id = gone.hash_id;
  RETURN NULL;
END $$;
CREATE FUNCTION add_environment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO hash_environment (hash_id, environment_id) VALUES (NEW.hash_id, NEW.environment_id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION forget_hashes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM hash_tag_key WHERE hash_id IN (SELECT id FROM gone);
  DELETE FROM hash_environment WHERE hash_id IN (SELECT id FROM gone);
  RETURN NULL;
END $$;
CREATE TRIGGER add_tagged_hashes AFTER INSERT ON hash_tag REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION add_tagged_hashes();
CREATE TRIGGER drop_tagged_hashes AFTER DELETE ON hash_tag REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION drop_tagged_hashes();
-- Most of those statements add no row.
CREATE TRIGGER add_environment AFTER INSERT ON hash_presence FOR EACH ROW EXECUTE FUNCTION add_environment();
CREATE TRIGGER forget_hashes AFTER DELETE ON issue_hash REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_hashes();

-- A list of numbers as SQLite takes it, read in a third of the time.
CREATE OR REPLACE FUNCTION json_each(TEXT) RETURNS TABLE (value BIGINT) IMMUTABLE PARALLEL SAFE LANGUAGE SQL AS
  $$SELECT CAST(one AS BIGINT) FROM unnest(string_to_array(nullif(btrim($1, '[]'), ''), ',')) AS one$$;
