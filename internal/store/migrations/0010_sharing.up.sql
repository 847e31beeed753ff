-- What is shared with one group only, and who told it without a name. The
-- group is 0 for all whom the TLP allows. Claims and counts are kept apart for
-- each group as they are for each TLP: nothing narrow shows through a wide one.
ALTER TABLE advisory ADD COLUMN group_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE advisory ADD COLUMN anonymous BOOLEAN NOT NULL DEFAULT FALSE; -- others see no name; source holds none
ALTER TABLE sighting ADD COLUMN anonymous BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE observation ADD COLUMN group_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import_run ADD COLUMN group_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE collector ADD COLUMN group_id BIGINT NOT NULL DEFAULT 0;

-- The source of anonymous information is no name by which it could be told
-- apart from others': its own names for things are its organisation's.
DROP INDEX advisory_external;
CREATE UNIQUE INDEX advisory_external ON advisory (source, external_id) WHERE external_id <> '' AND NOT anonymous;
CREATE UNIQUE INDEX advisory_external_anonymous ON advisory (organisation_id, external_id) WHERE external_id <> '' AND anonymous;

-- Lists and their counts still need nothing but these indexes.
DROP INDEX advisory_list;
DROP INDEX advisory_category;
DROP INDEX advisory_source;
DROP INDEX advisory_brand;
CREATE INDEX advisory_list ON advisory (position, state, tlp, organisation_id, group_id);
CREATE INDEX advisory_category ON advisory (category, position, state, tlp, organisation_id, group_id);
CREATE INDEX advisory_source ON advisory (source, state, tlp, organisation_id, group_id);
CREATE INDEX advisory_brand ON advisory (brand, state, tlp, organisation_id, group_id);
CREATE INDEX advisory_group ON advisory (group_id, position) WHERE group_id <> 0;

DROP INDEX indicator_host_key;
ALTER TABLE indicator RENAME TO indicator_before;
CREATE TABLE indicator (
    key             BIGINT NOT NULL, -- keyed hash of kind and value
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    group_id        BIGINT NOT NULL DEFAULT 0,
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
    PRIMARY KEY (key, tlp, organisation_id, group_id)
);
INSERT INTO indicator (key, tlp, organisation_id, group_id, kind, value, host, host_key, written, category, brand,
        first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry)
    SELECT key, tlp, organisation_id, 0, kind, value, host, host_key, written, category, brand,
        first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry
    FROM indicator_before ORDER BY key, tlp, organisation_id;
DROP TABLE indicator_before;
CREATE INDEX indicator_host_key ON indicator (host_key);

ALTER TABLE daily_count RENAME TO daily_count_before;
CREATE TABLE daily_count (
    series          TEXT NOT NULL, -- advisory, sighting, observation
    dimension       TEXT NOT NULL, -- category, technique, notice_kind, brand, source
    item            TEXT NOT NULL,
    day             BIGINT NOT NULL,
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    group_id        BIGINT NOT NULL DEFAULT 0,
    count           BIGINT NOT NULL,
    PRIMARY KEY (series, dimension, day, item, tlp, organisation_id, group_id)
);
INSERT INTO daily_count (series, dimension, item, day, tlp, organisation_id, group_id, count)
    SELECT series, dimension, item, day, tlp, organisation_id, 0, count FROM daily_count_before;
DROP TABLE daily_count_before;
