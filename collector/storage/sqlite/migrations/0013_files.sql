-- Files that attachments' bytes are in (files/file_store.h). A row stands here as long as an attachment names it, and
-- until its file has been removed then.
CREATE TABLE stored_file (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT NOT NULL UNIQUE,
  size    INTEGER NOT NULL              -- bytes of the attachment
);

-- NULL: the bytes are in the row: a small file's, and those of attachments that are older than this migration.
ALTER TABLE attachment ADD COLUMN file_id INTEGER;
CREATE INDEX attachment_by_file ON attachment (file_id);

-- Files that an attachment named which is gone: to be removed unless another one names them. There is no count of
-- references, so that none can be wrong: whoever deletes an attachment, the file is looked at.
CREATE TABLE released_file (
  file_id INTEGER PRIMARY KEY
);
CREATE TRIGGER attachment_release AFTER DELETE ON attachment WHEN OLD.file_id IS NOT NULL
BEGIN
  INSERT INTO released_file (file_id) SELECT OLD.file_id
  WHERE NOT EXISTS (SELECT 1 FROM released_file WHERE file_id = OLD.file_id);
END;

-- The keys that something in the database may be sealed with (sealing.h). `proof` opens with the key and no other.
CREATE TABLE encryption_key (
  id          INTEGER PRIMARY KEY,
  created_at  INTEGER NOT NULL,
  proof       BLOB NOT NULL,
  is_retiring INTEGER NOT NULL DEFAULT 0     -- by key_rotation.h, until somebody seals with it again
);
