ALTER TABLE mail_case DROP COLUMN advisory_revision;

DELETE FROM sighting WHERE said_at = 0 AND reported_at <> 0;
UPDATE sighting SET at = said_at WHERE said_at <> 0;
ALTER TABLE sighting DROP COLUMN declined_at;
ALTER TABLE sighting DROP COLUMN reported_at;
ALTER TABLE sighting DROP COLUMN said_at;
