-- The register: tokens of machines, own domains that wait for approval, and
-- people who changed from one organisation to another.
ALTER TABLE account ADD COLUMN moved_from BIGINT NOT NULL DEFAULT 0; -- the account that she left, 0 none

CREATE TABLE token (
    id             {{key}},
    account_id     BIGINT NOT NULL REFERENCES account (id), -- a machine
    name           TEXT NOT NULL,
    hash           {{bytewise}} NOT NULL UNIQUE, -- SHA-256 in hex; the token itself is not kept
    hint           TEXT NOT NULL, -- how it begins, to tell tokens apart
    scopes         TEXT NOT NULL, -- with a space between
    certificate_id BIGINT NOT NULL, -- only together with this one, 0 with any
    created_by     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    last_used_at   BIGINT NOT NULL, -- to ten minutes
    revoked_at     BIGINT NOT NULL,
    replaced_by    BIGINT NOT NULL -- the token that was made in its place, 0 none
);
CREATE INDEX token_account ON token (account_id);

-- A domain that an institution calls its own acts on everybody's filters, so
-- an operator approves it first.
CREATE TABLE domain_request (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    domain          {{bytewise}} NOT NULL,
    state           TEXT NOT NULL, -- waiting, approved, refused, dropped by the institution; removed: it was own until then
    asked_by        BIGINT NOT NULL,
    asked_at        BIGINT NOT NULL,
    decided_by      BIGINT NOT NULL,
    decided_at      BIGINT NOT NULL,
    reason          TEXT NOT NULL
);
CREATE UNIQUE INDEX domain_request_waiting ON domain_request (organisation_id, domain) WHERE state = 'waiting';
CREATE INDEX domain_request_domain ON domain_request (organisation_id, domain);
