-- Passkeys (WebAuthn) and identities at an OpenID provider, and the ceremonies
-- of both that are under way. Of random tokens only the SHA-256 hash is kept.

-- What authenticators know an account by (W3C WebAuthn level 3, section 5.4.3):
-- random, so that it says nothing about the person.
CREATE TABLE passkey_user (
    account_id BIGINT PRIMARY KEY REFERENCES account (id),
    handle     BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE passkey (
    id              {{key}},
    account_id      BIGINT NOT NULL REFERENCES passkey_user (account_id),
    credential_id   BYTEA NOT NULL UNIQUE,
    public_key      BYTEA NOT NULL, -- COSE_Key, RFC 9052 section 7
    format          TEXT NOT NULL,  -- of the attestation
    aaguid          BYTEA NOT NULL, -- the model; 16 bytes, often all zero
    transports      TEXT NOT NULL,  -- separated by blanks
    sign_count      BIGINT NOT NULL,
    backup_eligible BOOLEAN NOT NULL,
    backed_up       BOOLEAN NOT NULL,
    label           TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    used_at         BIGINT NOT NULL -- 0 never
);
CREATE INDEX passkey_account ON passkey (account_id);

CREATE TABLE passkey_ceremony (
    token_hash BYTEA PRIMARY KEY,
    purpose    TEXT NOT NULL,   -- register, signin
    account_id BIGINT NOT NULL, -- 0 when the passkey will say whose it is
    device_id  BIGINT NOT NULL, -- the certificate; 0 without
    session    TEXT NOT NULL,   -- the challenge and what was asked for, as JSON
    expires_at BIGINT NOT NULL
);
CREATE INDEX passkey_ceremony_expires ON passkey_ceremony (expires_at);
CREATE INDEX passkey_ceremony_device ON passkey_ceremony (device_id, account_id);

CREATE TABLE federate_identity (
    id         {{key}},
    account_id BIGINT NOT NULL REFERENCES account (id),
    issuer     {{bytewise}} NOT NULL,
    subject    {{bytewise}} NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL, -- 0 never
    UNIQUE (issuer, subject)
);
CREATE INDEX federate_identity_account ON federate_identity (account_id);

-- A browser that was sent to the provider. State, nonce and PKCE verifier are
-- made from the token whose hash this is, so none of them is kept.
CREATE TABLE federate_request (
    token_hash BYTEA PRIMARY KEY,
    purpose    TEXT NOT NULL,   -- signin, link
    account_id BIGINT NOT NULL, -- of link; 0 for signin
    device_id  BIGINT NOT NULL, -- the certificate; 0 without
    issuer     TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX federate_request_expires ON federate_request (expires_at);
CREATE INDEX federate_request_device ON federate_request (device_id, account_id);
