-- What proves who a person is, and the sessions of those who did. Tokens and
-- codes are kept as hashes only; what must be read back is encrypted under the
-- installation's key.

CREATE TABLE auth_password (
    account_id BIGINT PRIMARY KEY REFERENCES account (id),
    phc        TEXT NOT NULL, -- argon2id
    changed_at BIGINT NOT NULL
);

CREATE TABLE auth_totp (
    account_id   BIGINT PRIMARY KEY REFERENCES account (id),
    secret       BYTEA NOT NULL,  -- encrypted
    last_step    BIGINT NOT NULL, -- the newest step that was used; never again it or an older one
    confirmed_at BIGINT NOT NULL
);

CREATE TABLE auth_recovery_code (
    account_id BIGINT NOT NULL REFERENCES account (id),
    hash       TEXT NOT NULL,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (account_id, hash)
);

-- The one-time code with which a person sets up her sign-in.
CREATE TABLE auth_set_up (
    account_id  BIGINT PRIMARY KEY REFERENCES account (id),
    hash        TEXT NOT NULL,
    recovery_id BIGINT NOT NULL, -- 0 at the first sign-in
    created_at  BIGINT NOT NULL,
    valid_until BIGINT NOT NULL
);

-- What a person has done so far of several steps: the first sign-in, a new app.
CREATE TABLE auth_step (
    token_hash  TEXT PRIMARY KEY,
    account_id  BIGINT NOT NULL REFERENCES account (id),
    device_id   BIGINT NOT NULL, -- the certificate; 0 none
    purpose     TEXT NOT NULL,   -- set_up, totp
    code_hash   TEXT NOT NULL,   -- of the one-time code with which it began
    phc         TEXT NOT NULL,   -- the password that was chosen, '' not yet
    secret      BYTEA NOT NULL,  -- of TOTP, encrypted, not confirmed
    tries       BIGINT NOT NULL,
    valid_until BIGINT NOT NULL
);
CREATE INDEX auth_step_account ON auth_step (account_id);

-- Failed attempts, which leak away with time. device_id -1 is any device,
-- subject 0 is any account.
CREATE TABLE auth_throttle (
    device_id     BIGINT NOT NULL,
    subject       BIGINT NOT NULL, -- keyed hash of the account, or of the login that was typed
    failures      BIGINT NOT NULL,
    counted_at    BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    told          BOOLEAN NOT NULL, -- the audit knows that this block refused somebody
    PRIMARY KEY (device_id, subject)
);

-- On which devices an account has signed in before.
CREATE TABLE auth_known_device (
    account_id   BIGINT NOT NULL REFERENCES account (id),
    device_id    BIGINT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, device_id)
);

-- A recovery that one person opened and another approved.
CREATE TABLE auth_recovery (
    id           {{key}},
    account_id   BIGINT NOT NULL REFERENCES account (id),
    opened_by    BIGINT NOT NULL REFERENCES account (id),
    opened_at    BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    first_hash   TEXT NOT NULL, -- of the opener's half of the code
    approved_by  BIGINT NOT NULL, -- 0 not yet
    approved_at  BIGINT NOT NULL,
    valid_until  BIGINT NOT NULL, -- for the approval, then for the set-up
    completed_at BIGINT NOT NULL,
    cancelled_at BIGINT NOT NULL,
    told_at      BIGINT NOT NULL  -- the account's owner has read of it
);
CREATE INDEX auth_recovery_account ON auth_recovery (account_id);

CREATE TABLE session (
    id           {{key}},
    token_hash   TEXT NOT NULL UNIQUE,
    account_id   BIGINT NOT NULL REFERENCES account (id),
    device_id    BIGINT NOT NULL, -- the certificate it is bound to; 0 none, on loopback only
    method       TEXT NOT NULL,   -- password, recovery_code, set_up, passkey, oidc
    created_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    proved_at    BIGINT NOT NULL, -- when the person last showed her factors
    idle         BIGINT NOT NULL, -- microseconds
    expires_at   BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_device ON session (device_id);
