-- The devices that may come to the door: the installation's own certificate
-- authority, the certificates that it issued or that others issued and the
-- operator registered, and the invitations to fetch one.

-- One row, number 1: the number keeps two processes from founding two.
CREATE TABLE authority (
    id          BIGINT PRIMARY KEY,
    name        TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE, -- SHA-256 of der, hexadecimal
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  BIGINT NOT NULL,
    der         BYTEA NOT NULL,
    key_sealed  BYTEA NOT NULL -- PKCS #8 under the installation's key
);

CREATE TABLE certificate (
    id              {{key}},
    authority_id    BIGINT NOT NULL, -- 0 another's, which the operator trusts
    serial          TEXT NOT NULL, -- hexadecimal
    fingerprint     TEXT NOT NULL UNIQUE, -- SHA-256 of der, hexadecimal
    purpose         TEXT NOT NULL, -- person, device, machine, server
    organisation_id BIGINT NOT NULL, -- 0 of a server
    account_id      BIGINT NOT NULL, -- 0 of a device or a server
    label           TEXT NOT NULL,
    not_before      BIGINT NOT NULL,
    not_after       BIGINT NOT NULL,
    issued_at       BIGINT NOT NULL,
    issued_by       BIGINT NOT NULL, -- account, 0 the program
    revoked_at      BIGINT NOT NULL,
    revoked_by      BIGINT NOT NULL,
    revoke_reason   TEXT NOT NULL, -- '' while it is not revoked
    last_seen_at    BIGINT NOT NULL,
    der             BYTEA NOT NULL
);
CREATE INDEX certificate_organisation ON certificate (organisation_id, id);
CREATE INDEX certificate_account ON certificate (account_id, id);
CREATE INDEX certificate_end ON certificate (not_after);
CREATE INDEX certificate_revoked ON certificate (authority_id, not_after) WHERE revoked_at <> 0;

-- The portal's own certificates at its door, with their keys.
CREATE TABLE server_key (
    certificate_id BIGINT PRIMARY KEY REFERENCES certificate (id),
    hosts          TEXT NOT NULL, -- names and addresses, sorted, with spaces between
    key_sealed     BYTEA NOT NULL
);

CREATE TABLE enrolment (
    id              {{key}},
    code_hash       TEXT NOT NULL UNIQUE, -- SHA-256 of the code, hexadecimal
    purpose         TEXT NOT NULL,
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    account_id      BIGINT NOT NULL, -- 0 for a device
    label           TEXT NOT NULL,
    created_by      BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT NOT NULL,
    cancelled_at    BIGINT NOT NULL,
    cancelled_by    BIGINT NOT NULL,
    certificate_id  BIGINT NOT NULL -- 0 until it is used
);
CREATE INDEX enrolment_organisation ON enrolment (organisation_id, id);
CREATE INDEX enrolment_account ON enrolment (account_id);

-- The revocation list as it was last signed. Its number never goes back.
CREATE TABLE revocation_list (
    authority_id BIGINT PRIMARY KEY REFERENCES authority (id),
    number       BIGINT NOT NULL,
    seq          BIGINT NOT NULL, -- change sequence "revocation" that it holds
    this_update  BIGINT NOT NULL,
    next_update  BIGINT NOT NULL,
    der          BYTEA NOT NULL
);
