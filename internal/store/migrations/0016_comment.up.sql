-- Who took a comment away: its author may put back what she took away herself.
-- 0 for those removed before this was kept, which only reviewers put back.
ALTER TABLE comment ADD COLUMN removed_by BIGINT NOT NULL DEFAULT 0;
