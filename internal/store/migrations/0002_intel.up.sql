-- Shared information, indicators, what was observed, and what is counted.
-- Everything that may be seen by some and not by others carries tlp and
-- organisation_id, so that one predicate serves every read.

CREATE TABLE advisory (
    id              {{key}},
    position        BIGINT NOT NULL UNIQUE, -- order in lists: the time, made unique
    category        TEXT NOT NULL,
    notice_kind     TEXT NOT NULL,
    tlp             BIGINT NOT NULL,
    state           TEXT NOT NULL, -- draft, in_review, published, corrected, withdrawn
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    account_id      BIGINT NOT NULL,
    source          TEXT NOT NULL, -- organisation's name, or the outside source
    external_id     TEXT NOT NULL,
    external_url    TEXT NOT NULL,
    title           TEXT NOT NULL,
    body            TEXT NOT NULL,
    brand           TEXT NOT NULL,
    products        TEXT NOT NULL,
    observed_at     BIGINT NOT NULL,
    registered_at   BIGINT NOT NULL,
    published_at    BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL,
    revision        BIGINT NOT NULL,
    reason          TEXT NOT NULL
);
CREATE UNIQUE INDEX advisory_external ON advisory (source, external_id) WHERE external_id <> '';
CREATE INDEX advisory_category ON advisory (category, position);
CREATE INDEX advisory_organisation ON advisory (organisation_id, position);
-- What waits is little; what is published is nearly all and read by position.
CREATE INDEX advisory_waiting ON advisory (state, position) WHERE state IN ('draft', 'in_review', 'discarded');
CREATE INDEX advisory_published ON advisory (published_at);

CREATE TABLE advisory_technique (
    advisory_id  BIGINT NOT NULL REFERENCES advisory (id),
    technique_id TEXT NOT NULL,
    PRIMARY KEY (advisory_id, technique_id)
);
CREATE INDEX advisory_technique_id ON advisory_technique (technique_id, advisory_id);

CREATE TABLE advisory_indicator (
    advisory_id   BIGINT NOT NULL REFERENCES advisory (id),
    indicator_key BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    value         TEXT NOT NULL,
    host          TEXT NOT NULL,
    written       TEXT NOT NULL,
    PRIMARY KEY (advisory_id, indicator_key)
);
CREATE INDEX advisory_indicator_key ON advisory_indicator (indicator_key);
CREATE INDEX advisory_indicator_host ON advisory_indicator (host);

CREATE TABLE advisory_link (
    advisory_id BIGINT NOT NULL REFERENCES advisory (id),
    other_id    BIGINT NOT NULL REFERENCES advisory (id),
    kind        TEXT NOT NULL, -- related, duplicate
    PRIMARY KEY (advisory_id, other_id)
);
CREATE INDEX advisory_link_other ON advisory_link (other_id);

CREATE TABLE advisory_revision (
    advisory_id BIGINT NOT NULL REFERENCES advisory (id),
    revision    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    content     TEXT NOT NULL,
    PRIMARY KEY (advisory_id, revision)
);

CREATE TABLE sighting (
    advisory_id     BIGINT NOT NULL REFERENCES advisory (id),
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    account_id      BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    retracted_at    BIGINT NOT NULL,
    PRIMARY KEY (advisory_id, organisation_id)
);

CREATE TABLE comment (
    id              {{key}},
    advisory_id     BIGINT NOT NULL REFERENCES advisory (id),
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    account_id      BIGINT NOT NULL,
    actor           TEXT NOT NULL,
    at              BIGINT NOT NULL,
    body            TEXT NOT NULL,
    removed_at      BIGINT NOT NULL
);
CREATE INDEX comment_advisory ON comment (advisory_id, id);

CREATE INDEX sighting_at ON sighting (at);

-- "Did this help you decide?"
CREATE TABLE opinion (
    subject         TEXT NOT NULL, -- advisory/12, or search
    account_id      BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    day             BIGINT NOT NULL, -- for searches one a day; 0 for advisories
    at              BIGINT NOT NULL,
    helped          BOOLEAN NOT NULL,
    PRIMARY KEY (subject, account_id, day)
);

CREATE TABLE concern (
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    advisory_id     BIGINT NOT NULL REFERENCES advisory (id),
    matched         TEXT NOT NULL,
    PRIMARY KEY (organisation_id, advisory_id, matched)
);
CREATE INDEX concern_advisory ON concern (advisory_id);

CREATE TABLE own_technique (
    id       TEXT PRIMARY KEY,
    attack   TEXT NOT NULL,
    tactic   TEXT NOT NULL,
    ja       TEXT NOT NULL,
    en       TEXT NOT NULL,
    about_ja TEXT NOT NULL,
    about_en TEXT NOT NULL
);

-- What one organisation says, at one TLP, about one indicator. The same value
-- from two organisations is two rows: merging happens for a reader who may see
-- both, so that nothing of a narrow report shows through a wide one.
CREATE TABLE indicator (
    key             BIGINT NOT NULL, -- keyed hash of kind and value
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    value           TEXT NOT NULL,
    host            TEXT NOT NULL,
    host_key        {{bytewise}} NOT NULL, -- indicator.HostKey: the order of host lists, and a domain's names in one range
    written         TEXT NOT NULL,
    category        TEXT NOT NULL,
    brand           TEXT NOT NULL,
    first_seen      BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    confidence      BIGINT NOT NULL,
    valid_until     BIGINT NOT NULL,
    status          TEXT NOT NULL, -- active, revoked
    is_entry        BOOLEAN NOT NULL, -- may be a filter entry in its own kind
    is_host_entry   BOOLEAN NOT NULL, -- its host may be a filter entry
    PRIMARY KEY (key, tlp, organisation_id)
);
CREATE INDEX indicator_host_key ON indicator (host_key);

CREATE TABLE import_file (
    id              {{key}},
    format          TEXT NOT NULL,
    name            TEXT NOT NULL,
    organisation_id BIGINT NOT NULL,
    UNIQUE (format, name, organisation_id)
);

-- One row of one source about one indicator on one day.
CREATE TABLE observation (
    key             BIGINT PRIMARY KEY, -- keyed hash of file, row and its occurrence
    indicator_key   BIGINT NOT NULL,
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    file_id         BIGINT NOT NULL,
    source          TEXT NOT NULL,
    category        TEXT NOT NULL,
    brand           TEXT NOT NULL,
    written         TEXT NOT NULL,
    observed_at     BIGINT NOT NULL,
    day             BIGINT NOT NULL -- days since 1970-01-01 in Asia/Tokyo; -1 when the date is blank
);
CREATE INDEX observation_indicator ON observation (indicator_key);
CREATE INDEX observation_day ON observation (day);

CREATE TABLE import_run (
    id              {{key}},
    format          TEXT NOT NULL,
    organisation_id BIGINT NOT NULL,
    account_id      BIGINT NOT NULL,
    actor           TEXT NOT NULL,
    tlp             BIGINT NOT NULL,
    state           TEXT NOT NULL, -- running, done, failed
    blob            TEXT NOT NULL,
    file            TEXT NOT NULL,
    dry_run         BOOLEAN NOT NULL,
    started_at      BIGINT NOT NULL,
    finished_at     BIGINT NOT NULL,
    read_rows       BIGINT NOT NULL,
    added           BIGINT NOT NULL,
    renewed         BIGINT NOT NULL,
    known           BIGINT NOT NULL,
    excluded        BIGINT NOT NULL,
    rejected        BIGINT NOT NULL,
    error           TEXT NOT NULL
);

CREATE TABLE import_problem (
    run_id BIGINT NOT NULL REFERENCES import_run (id),
    n      BIGINT NOT NULL,
    file   TEXT NOT NULL,
    line   BIGINT NOT NULL,
    code   TEXT NOT NULL,
    args   TEXT NOT NULL,
    PRIMARY KEY (run_id, n)
);

CREATE TABLE daily_count (
    series          TEXT NOT NULL, -- advisory, sighting, observation
    dimension       TEXT NOT NULL, -- category, technique, notice_kind, brand, source
    item            TEXT NOT NULL,
    day             BIGINT NOT NULL,
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    count           BIGINT NOT NULL,
    PRIMARY KEY (series, dimension, day, item, tlp, organisation_id)
);

CREATE TABLE dirty_day (
    series TEXT NOT NULL,
    day    BIGINT NOT NULL,
    PRIMARY KEY (series, day)
);

CREATE TABLE collector (
    id              {{key}},
    name            TEXT NOT NULL,
    url             TEXT NOT NULL UNIQUE,
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    tlp             BIGINT NOT NULL,
    every_minutes   BIGINT NOT NULL,
    enabled         BOOLEAN NOT NULL,
    etag            TEXT NOT NULL,
    last_modified   TEXT NOT NULL,
    last_run_at     BIGINT NOT NULL,
    last_ok_at      BIGINT NOT NULL,
    next_run_at     BIGINT NOT NULL,
    failures        BIGINT NOT NULL,
    error_code      TEXT NOT NULL,
    error_args      TEXT NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE collector_item (
    key          BIGINT PRIMARY KEY, -- keyed hash of collector and guid
    collector_id BIGINT NOT NULL REFERENCES collector (id),
    advisory_id  BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL
);

-- Lists of what is known to be harmless, in MISP's warninglist format.
CREATE TABLE warninglist (
    slug     TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    version  BIGINT NOT NULL,
    enabled  BOOLEAN NOT NULL,
    reason   TEXT NOT NULL, -- why it was switched off
    content  BYTEA NOT NULL, -- gzip of the JSON; empty for a bundled list
    actor    TEXT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE overrule (
    key    BIGINT PRIMARY KEY, -- the indicator's key
    kind   TEXT NOT NULL,
    value  TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor  TEXT NOT NULL,
    at     BIGINT NOT NULL
);

-- What an institution leaves out of its own filters.
CREATE TABLE filter_exception (
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    key             BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    value           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    actor           TEXT NOT NULL,
    at              BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, key)
);
