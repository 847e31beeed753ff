-- Mails that people have checked and reported, the waves that they belong to,
-- the cases that analysts make of them, and how long it took until everybody
-- was protected.

-- For how many days an institution's originals are kept.
CREATE TABLE report_setting (
    organisation_id BIGINT PRIMARY KEY REFERENCES organisation (id),
    original_days   BIGINT NOT NULL
);

-- A mail that somebody has checked, for a day and for him alone.
CREATE TABLE mail_hold (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    account_id      BIGINT NOT NULL, -- 0 of a shared PC
    device_id       BIGINT NOT NULL, -- of a shared PC, else 0
    blob            {{bytewise}} NOT NULL,
    held_at         BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX mail_hold_owner ON mail_hold (organisation_id, account_id, device_id, id);
CREATE INDEX mail_hold_expires ON mail_hold (expires_at);

CREATE TABLE mail_case (
    id             {{key}},
    state          TEXT NOT NULL, -- new, triage, published, dismissed, merged
    title          TEXT NOT NULL, -- redacted
    verdict        BIGINT NOT NULL, -- the strongest of its reports: 0 unknown, 1 suspicious, 2 malicious
    reports        BIGINT NOT NULL,
    first_at       BIGINT NOT NULL,
    last_at        BIGINT NOT NULL,
    opened_at      BIGINT NOT NULL,
    taken_by       BIGINT NOT NULL,
    taken_at       BIGINT NOT NULL, -- the first time
    decided_at     BIGINT NOT NULL,
    reopened_at    BIGINT NOT NULL,
    reason         TEXT NOT NULL,
    advisory_id    BIGINT NOT NULL, -- 0 none
    advisory_state TEXT NOT NULL, -- as the case has followed it
    merged_into    BIGINT NOT NULL,
    revision       BIGINT NOT NULL
);
CREATE INDEX mail_case_list ON mail_case (state, last_at, id);
CREATE INDEX mail_case_advisory ON mail_case (advisory_id) WHERE advisory_id <> 0;

-- How much of a case came from whom. It is made from the reports, so that a
-- count needs not look at them all.
CREATE TABLE case_organisation (
    case_id         BIGINT NOT NULL REFERENCES mail_case (id),
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    reports         BIGINT NOT NULL,
    first_at        BIGINT NOT NULL,
    last_at         BIGINT NOT NULL,
    PRIMARY KEY (case_id, organisation_id)
);

-- The fingerprint of mails, once for all reports of a case that have the same.
CREATE TABLE wave_print (
    id      {{key}},
    case_id BIGINT NOT NULL REFERENCES mail_case (id),
    digest  BIGINT NOT NULL, -- keyed hash of content
    content BYTEA NOT NULL, -- all features; keyed hashes only
    last_at BIGINT NOT NULL, -- of the newest report that had it
    indexed BOOLEAN NOT NULL -- its features are in wave_feature
);
CREATE UNIQUE INDEX wave_print_digest ON wave_print (case_id, digest);
CREATE INDEX wave_print_old ON wave_print (last_at) WHERE indexed;

-- From a feature to the prints that have it.
CREATE TABLE wave_feature (
    hash     BIGINT NOT NULL,
    print_id BIGINT NOT NULL,
    PRIMARY KEY (hash, print_id)
);
CREATE INDEX wave_feature_print ON wave_feature (print_id);

CREATE TABLE mail_report (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    account_id      BIGINT NOT NULL, -- 0 of a shared PC
    device_id       BIGINT NOT NULL, -- of a shared PC, else 0
    channel         TEXT NOT NULL, -- web, api, cli, mailbox
    reported_at     BIGINT NOT NULL,
    did             TEXT NOT NULL,
    verdict         TEXT NOT NULL,
    score           BIGINT NOT NULL,
    rules           TEXT NOT NULL,
    findings        TEXT NOT NULL, -- JSON, without excerpts of the mail
    subject         TEXT NOT NULL, -- redacted
    redacted        TEXT NOT NULL, -- JSON
    mail_key        BIGINT NOT NULL, -- keyed hash of the mail in question
    size            BIGINT NOT NULL,
    blob            {{bytewise}} NOT NULL, -- the original, '' when it is deleted
    keep_until      BIGINT NOT NULL, -- of the original
    case_id         BIGINT NOT NULL REFERENCES mail_case (id),
    print_id        BIGINT NOT NULL, -- 0 when nothing in the mail tells it from others
    withdrawn_at    BIGINT NOT NULL
);
-- The same mail from the same person is the same report.
CREATE UNIQUE INDEX mail_report_once ON mail_report (organisation_id, account_id, device_id, mail_key) WHERE withdrawn_at = 0;
CREATE INDEX mail_report_case ON mail_report (case_id, id);
CREATE INDEX mail_report_organisation ON mail_report (organisation_id, id);
CREATE INDEX mail_report_keep ON mail_report (keep_until) WHERE blob <> '';
CREATE INDEX mail_report_print ON mail_report (print_id);

-- An analyst's wish to see an original, and the institution's answer.
CREATE TABLE original_consent (
    id           {{key}},
    report_id    BIGINT NOT NULL REFERENCES mail_report (id),
    state        TEXT NOT NULL, -- asked, granted, refused, revoked
    asked_by     BIGINT NOT NULL,
    asked_at     BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    answered_by  BIGINT NOT NULL,
    answered_at  BIGINT NOT NULL,
    answer       TEXT NOT NULL,
    expires_at   BIGINT NOT NULL -- of a granted one
);
CREATE UNIQUE INDEX original_consent_open ON original_consent (report_id) WHERE state = 'asked';
CREATE INDEX original_consent_report ON original_consent (report_id);

-- What a person is told on Home.
CREATE TABLE report_notice (
    id          {{key}},
    account_id  BIGINT NOT NULL REFERENCES account (id),
    kind        TEXT NOT NULL, -- published, dismissed, withdrawn, asked, answered
    report_id   BIGINT NOT NULL REFERENCES mail_report (id),
    advisory_id BIGINT NOT NULL,
    consent_id  BIGINT NOT NULL,
    told_at     BIGINT NOT NULL,
    read_at     BIGINT NOT NULL
);
CREATE INDEX report_notice_account ON report_notice (account_id, id);
CREATE INDEX report_notice_unread ON report_notice (account_id, id) WHERE read_at = 0;

-- Advisories that came of reports, from their publication on.
CREATE TABLE protection (
    advisory_id  BIGINT PRIMARY KEY REFERENCES advisory (id),
    published_at BIGINT NOT NULL
);
CREATE INDEX protection_published ON protection (published_at);

-- When an organisation's filter had an advisory first.
CREATE TABLE protection_fetch (
    advisory_id     BIGINT NOT NULL REFERENCES advisory (id),
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    fetched_at      BIGINT NOT NULL,
    PRIMARY KEY (advisory_id, organisation_id)
);

-- When an organisation fetched a block list last, to a minute.
CREATE TABLE filter_fetch (
    organisation_id BIGINT PRIMARY KEY REFERENCES organisation (id),
    fetched_at      BIGINT NOT NULL
);
