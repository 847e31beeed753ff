-- What every noun stands on. Times are microseconds UTC, 0 for none.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE change_sequence (
    topic TEXT PRIMARY KEY,
    seq   BIGINT NOT NULL
);

CREATE TABLE organisation (
    id         {{key}},
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    short      TEXT NOT NULL,
    prefecture TEXT NOT NULL,
    beds       BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE account (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    name            TEXT NOT NULL,
    title           TEXT NOT NULL,
    role            TEXT NOT NULL,
    active          BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX account_organisation ON account (organisation_id);

CREATE TABLE organisation_domain (
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    domain          {{bytewise}} NOT NULL,
    PRIMARY KEY (organisation_id, domain)
);

-- Vendors, products (words or CPE) that concern an institution.
CREATE TABLE interest (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    kind            TEXT NOT NULL,
    value           TEXT NOT NULL,
    folded          TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    UNIQUE (organisation_id, kind, folded)
);

CREATE TABLE audit (
    id              {{key}},
    at              BIGINT NOT NULL,
    account_id      BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    actor           TEXT NOT NULL,
    role            TEXT NOT NULL,
    channel         TEXT NOT NULL,
    action          TEXT NOT NULL,
    object          TEXT NOT NULL,
    detail          TEXT NOT NULL
);
CREATE INDEX audit_object ON audit (object, id);

CREATE TABLE job (
    id           {{key}},
    kind         TEXT NOT NULL,
    args         TEXT NOT NULL,
    unique_key   TEXT NOT NULL,
    state        TEXT NOT NULL, -- available, running, done, dead
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    lease_until  BIGINT NOT NULL,
    lease_token  TEXT NOT NULL,
    last_error   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE state = 'available' AND unique_key <> '';
CREATE INDEX job_due ON job (state, run_at);

-- An encrypted object on disk; its key is wrapped by the installation's key.
CREATE TABLE blob (
    name        TEXT PRIMARY KEY,
    purpose     TEXT NOT NULL,
    size        BIGINT NOT NULL,
    sha256      TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);
