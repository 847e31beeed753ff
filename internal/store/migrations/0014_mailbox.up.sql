-- The reporting mailbox: the addresses to which people forward suspicious mail,
-- what arrived there, and what they were answered.

CREATE TABLE mailbox_address (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    address         {{bytewise}} NOT NULL UNIQUE, -- local@domain, lower case
    created_at      BIGINT NOT NULL,
    created_by      BIGINT NOT NULL,
    ends_at         BIGINT NOT NULL -- when it stops to be accepted; 0 never
);
CREATE INDEX mailbox_address_organisation ON mailbox_address (organisation_id, id);

-- A mailbox of an institution's own, from which mails are fetched.
CREATE TABLE mailbox_imap (
    id              {{key}},
    organisation_id BIGINT NOT NULL UNIQUE REFERENCES organisation (id),
    server          TEXT NOT NULL, -- host:port
    security        TEXT NOT NULL, -- tls, starttls
    login           TEXT NOT NULL,
    password        BYTEA NOT NULL, -- under the installation's key
    folder          TEXT NOT NULL,
    done_folder     TEXT NOT NULL,
    enabled         BOOLEAN NOT NULL,
    uid_validity    BIGINT NOT NULL, -- of the folder, RFC 9051 section 2.3.1.1
    uid_first       BIGINT NOT NULL, -- the lowest that is ours
    uid_last        BIGINT NOT NULL, -- the highest that was stored
    fetched         BIGINT NOT NULL, -- mails in all
    last_run        BIGINT NOT NULL,
    last_ok         BIGINT NOT NULL,
    next_run        BIGINT NOT NULL,
    failures        BIGINT NOT NULL, -- since the last success
    error_code      TEXT NOT NULL,
    error_args      TEXT NOT NULL -- JSON
);

CREATE TABLE mailbox_mail (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    address_id      BIGINT NOT NULL, -- 0 of one that was fetched
    imap_id         BIGINT NOT NULL, -- 0 of one that was delivered
    account_id      BIGINT NOT NULL, -- of the sender, 0 of one who is not registered
    received_at     BIGINT NOT NULL,
    size            BIGINT NOT NULL,
    blob            {{bytewise}} NOT NULL, -- '' when it is deleted
    sender          BYTEA NOT NULL, -- under the installation's key; empty when it is over
    sender_key      BIGINT NOT NULL, -- keyed hash
    state           TEXT NOT NULL, -- received, reported, question, unreadable, outside, automatic, bounce, failed
    reason          TEXT NOT NULL, -- why it is not answered, '' for none
    verdict         TEXT NOT NULL,
    report_id       BIGINT NOT NULL, -- 0 for none
    answer          TEXT NOT NULL, -- none, waiting, grouped, sent, failed
    answer_id       BIGINT NOT NULL, -- 0 for none
    handled_at      BIGINT NOT NULL
);
CREATE INDEX mailbox_mail_organisation ON mailbox_mail (organisation_id, id);
CREATE INDEX mailbox_mail_sender ON mailbox_mail (sender_key, received_at);
CREATE INDEX mailbox_mail_hour ON mailbox_mail (organisation_id, received_at);
CREATE INDEX mailbox_mail_grouped ON mailbox_mail (sender_key) WHERE answer = 'grouped';
CREATE INDEX mailbox_mail_kept ON mailbox_mail (received_at) WHERE blob <> '';
CREATE INDEX mailbox_mail_answer ON mailbox_mail (answer_id) WHERE answer_id <> 0;

-- What came lately: a client that lost our answer sends the same again.
CREATE TABLE mailbox_seen (
    digest  BIGINT PRIMARY KEY, -- keyed hash of content, sender and address
    mail_id BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX mailbox_seen_old ON mailbox_seen (seen_at);

CREATE TABLE mailbox_answer (
    id              {{key}},
    organisation_id BIGINT NOT NULL REFERENCES organisation (id),
    sender_key      BIGINT NOT NULL,
    kind            TEXT NOT NULL, -- report, group, guide
    letter          BYTEA NOT NULL, -- under the installation's key; empty when it is over
    state           TEXT NOT NULL, -- waiting, sent, failed
    made_at         BIGINT NOT NULL,
    tries           BIGINT NOT NULL,
    sent_at         BIGINT NOT NULL
);
CREATE INDEX mailbox_answer_sender ON mailbox_answer (sender_key, made_at);
