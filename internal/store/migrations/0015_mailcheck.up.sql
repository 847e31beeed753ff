-- What checks of mails go by besides the mail.

-- What an institution says of its mail servers.
CREATE TABLE mail_setting (
    organisation_id BIGINT PRIMARY KEY REFERENCES organisation (id),
    authserv_ids    TEXT NOT NULL, -- of RFC 8601, lower case, with a space between
    changed_by      BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL
);

-- From whom an institution had mail that was not found bad: keyed hashes of
-- addresses and of their domains, never an address.
CREATE TABLE correspondent (
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    key             BIGINT NOT NULL,
    is_site         BOOLEAN NOT NULL, -- of a domain
    mails           BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, key)
);
CREATE INDEX correspondent_seen ON correspondent (organisation_id, is_site, last_seen);

-- Public keys of signatures (RFC 6376, section 3.6.1), so that no check has to
-- ask for them.
CREATE TABLE dkim_key (
    name       {{bytewise}} PRIMARY KEY, -- selector._domainkey.domain, lower case
    record     TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
