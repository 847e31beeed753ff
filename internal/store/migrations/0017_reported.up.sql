-- A sighting may come from a person, from reports, or from both: what one says
-- is not taken back with the other. at, retracted_at and anonymous stay what is
-- to be counted and shown.
ALTER TABLE sighting ADD COLUMN said_at BIGINT NOT NULL DEFAULT 0; -- by a person; 0 not
ALTER TABLE sighting ADD COLUMN reported_at BIGINT NOT NULL DEFAULT 0; -- the first report that counts; 0 none
ALTER TABLE sighting ADD COLUMN declined_at BIGINT NOT NULL DEFAULT 0; -- a person took it back: reports until then do not count
UPDATE sighting SET said_at = CASE WHEN retracted_at = 0 THEN at ELSE 0 END, declined_at = retracted_at;

-- The revision of its advisory that a case has followed: 0 of those from
-- before, which are followed once more.
ALTER TABLE mail_case ADD COLUMN advisory_revision BIGINT NOT NULL DEFAULT 0;
