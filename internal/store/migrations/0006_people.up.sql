-- People who sign in, who come for a time, and who leave; organisations of
-- more than one kind, and groups of them for sharing.
ALTER TABLE organisation ADD COLUMN facility TEXT NOT NULL DEFAULT ''; -- of an institution: hospital, clinic, pharmacy, care, laboratory, other
ALTER TABLE organisation ADD COLUMN left_at BIGINT NOT NULL DEFAULT 0;
-- A ward's shared PC may check and report a mail without anybody signing in.
ALTER TABLE organisation ADD COLUMN ward_check BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE account ADD COLUMN login TEXT NOT NULL DEFAULT ''; -- folded; '' cannot sign in
ALTER TABLE account ADD COLUMN mail TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN evaluator BOOLEAN NOT NULL DEFAULT FALSE; -- an outside researcher
ALTER TABLE account ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0; -- 0 never
ALTER TABLE account ADD COLUMN left_at BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX account_login ON account (login) WHERE login <> '';

CREATE TABLE sharing_group (
    id         {{key}},
    name       TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at  BIGINT NOT NULL
);

CREATE TABLE sharing_group_member (
    group_id        BIGINT NOT NULL REFERENCES sharing_group (id),
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    since           BIGINT NOT NULL,
    PRIMARY KEY (group_id, organisation_id)
);
CREATE INDEX sharing_group_member_organisation ON sharing_group_member (organisation_id);
