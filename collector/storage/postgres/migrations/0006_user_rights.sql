-- What is still to be done after events of a user were erased, and what reports of it are signed with; see the SQLite
-- schema's migration of the same name.
CREATE TABLE erasure_rest (
  hash_id BIGINT NOT NULL,
  kind    BIGINT NOT NULL,
  subject BIGINT NOT NULL,
  count   BIGINT NOT NULL,
  PRIMARY KEY (hash_id, kind, subject)
);

CREATE TABLE report_key (
  id    BIGINT PRIMARY KEY CHECK (id = 1),
  bytes BYTEA NOT NULL
);
