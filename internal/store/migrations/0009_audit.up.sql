-- Audit records: with which device or token, and in answer to which request.
ALTER TABLE audit ADD COLUMN device_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN token_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN request TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_organisation ON audit (organisation_id, id);
CREATE INDEX audit_account ON audit (account_id, id);

-- The place of each sealed record in the Merkle tree (RFC 6962), and its hash.
CREATE TABLE audit_leaf (
    position BIGINT PRIMARY KEY, -- from 0, without gaps
    audit_id BIGINT NOT NULL,
    hash     BYTEA NOT NULL
);
CREATE UNIQUE INDEX audit_leaf_record ON audit_leaf (audit_id);

-- What is left of records that retention dropped: 256 hashes of leaves.
CREATE TABLE audit_segment (
    number   BIGINT PRIMARY KEY, -- of leaves 256 * number and those after it
    hashes   BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

-- Who dropped how much, signed.
CREATE TABLE audit_retention (
    upto BIGINT PRIMARY KEY, -- leaves before this have no record any more
    at   BIGINT NOT NULL,
    note TEXT NOT NULL
);

-- One row: how far the tree has grown.
CREATE TABLE audit_tree (
    id       BIGINT PRIMARY KEY,
    size     BIGINT NOT NULL,
    last_id  BIGINT NOT NULL, -- records up to here are sealed, but for the gaps
    kept     BIGINT NOT NULL, -- leaves before this have no record any more
    frontier BYTEA NOT NULL   -- roots of the complete subtrees
);

-- Ids at or below last_id that were not there when their batch was sealed:
-- rolled back, or of a transaction that was still open.
CREATE TABLE audit_gap (
    first_id BIGINT PRIMARY KEY,
    last_id  BIGINT NOT NULL
);

CREATE TABLE audit_checkpoint (
    size BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL,
    day  BIGINT NOT NULL, -- in Tokyo, since 1970
    note TEXT NOT NULL
);
CREATE INDEX audit_checkpoint_day ON audit_checkpoint (day, size);

-- One row: the key that signs checkpoints.
CREATE TABLE audit_signer (
    id         BIGINT PRIMARY KEY,
    verifier   TEXT NOT NULL,
    signer     BYTEA NOT NULL, -- encrypted with the installation's key
    created_at BIGINT NOT NULL
);

-- Denials that come again within a minute are counted.
CREATE TABLE audit_denial (
    key             BIGINT PRIMARY KEY,
    at              BIGINT NOT NULL, -- of the record that was written
    times           BIGINT NOT NULL, -- since then
    account_id      BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    actor           TEXT NOT NULL,
    role            TEXT NOT NULL,
    channel         TEXT NOT NULL,
    device_id       BIGINT NOT NULL,
    token_id        BIGINT NOT NULL,
    action          TEXT NOT NULL,
    object          TEXT NOT NULL
);
CREATE INDEX audit_denial_at ON audit_denial (at);
