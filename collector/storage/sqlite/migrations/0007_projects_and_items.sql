-- Since when a project is gone (Unix milliseconds); NULL: it is there. Its row goes last, after all that is its own
-- (deleted_projects.h); until then it stands under a name that no project can have.
ALTER TABLE project ADD COLUMN deleted_at INTEGER;
CREATE VIEW live_project AS SELECT * FROM project WHERE deleted_at IS NULL;

-- Deleting a hash asks whether another one names it.
CREATE INDEX issue_hash_by_coarse ON issue_hash (coarse_id) WHERE coarse_id IS NOT NULL;

-- Items are listed by receipt; nothing has ever asked for them by their start.
DROP INDEX session_by_start;
DROP INDEX session_count_by_start;
DROP INDEX transaction_summary_by_start;
CREATE INDEX session_by_receipt ON session (project_id, received_at, item_id);
CREATE INDEX session_count_by_receipt ON session_count (project_id, received_at, item_id);
CREATE INDEX user_report_by_receipt ON user_report (project_id, received_at, item_id);
CREATE INDEX check_in_by_receipt ON check_in (project_id, received_at, item_id);
CREATE INDEX transaction_summary_by_receipt ON transaction_summary (project_id, received_at, item_id);
