-- What lists show of the issue's hashes, in short (sql/issue_overview.h). Empty: it is to be made from their rows.
ALTER TABLE issue ADD COLUMN overview TEXT NOT NULL DEFAULT '';
-- Those are made by and by (sql/retainer.h).
CREATE INDEX issue_without_overview ON issue (id) WHERE overview = '';
