-- What is still to be done after events of a user were erased (sql/erasure_rest.h), so that a kill in between loses none
-- of it. Kind 0: the group hash lacks `count` of the events that it had counted; kind 1: `subject` is a tag of such an
-- event, kind 2: a user of one, as in hash_user.
CREATE TABLE erasure_rest (
  hash_id INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (hash_id, kind, subject)
) WITHOUT ROWID;

-- What reports of erasures are signed with: 32 random bytes, sealed when encryption is on. At most one row.
CREATE TABLE report_key (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  bytes BLOB NOT NULL
);
