ALTER TABLE comment DROP COLUMN removed_by;
