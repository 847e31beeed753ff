-- Without groups and anonymity, what was narrow becomes TLP:RED rather than
-- known to more; what was counted or claimed for a group only is dropped.
INSERT INTO dirty_day (series, day) SELECT DISTINCT series, day FROM daily_count WHERE group_id <> 0
    ON CONFLICT (series, day) DO NOTHING;
DELETE FROM daily_count WHERE group_id <> 0;
ALTER TABLE daily_count RENAME TO daily_count_before;
CREATE TABLE daily_count (
    series          TEXT NOT NULL,
    dimension       TEXT NOT NULL,
    item            TEXT NOT NULL,
    day             BIGINT NOT NULL,
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    count           BIGINT NOT NULL,
    PRIMARY KEY (series, dimension, day, item, tlp, organisation_id)
);
INSERT INTO daily_count (series, dimension, item, day, tlp, organisation_id, count)
    SELECT series, dimension, item, day, tlp, organisation_id, count FROM daily_count_before;
DROP TABLE daily_count_before;

DROP INDEX indicator_host_key;
ALTER TABLE indicator RENAME TO indicator_before;
CREATE TABLE indicator (
    key             BIGINT NOT NULL,
    tlp             BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    value           TEXT NOT NULL,
    host            TEXT NOT NULL,
    host_key        {{bytewise}} NOT NULL,
    written         TEXT NOT NULL,
    category        TEXT NOT NULL,
    brand           TEXT NOT NULL,
    first_seen      BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    confidence      BIGINT NOT NULL,
    valid_until     BIGINT NOT NULL,
    status          TEXT NOT NULL,
    is_entry        BOOLEAN NOT NULL,
    is_host_entry   BOOLEAN NOT NULL,
    PRIMARY KEY (key, tlp, organisation_id)
);
INSERT INTO indicator (key, tlp, organisation_id, kind, value, host, host_key, written, category, brand,
        first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry)
    SELECT key, tlp, organisation_id, kind, value, host, host_key, written, category, brand,
        first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry
    FROM indicator_before WHERE group_id = 0 ORDER BY key, tlp, organisation_id;
DROP TABLE indicator_before;
CREATE INDEX indicator_host_key ON indicator (host_key);

UPDATE collector SET tlp = 4 WHERE group_id <> 0;
UPDATE import_run SET tlp = 4 WHERE group_id <> 0;
UPDATE observation SET tlp = 4 WHERE group_id <> 0;
UPDATE advisory SET tlp = 4 WHERE group_id <> 0 OR anonymous;
DROP INDEX advisory_external;
DROP INDEX advisory_external_anonymous;
UPDATE advisory SET source = (SELECT o.short FROM organisation o WHERE o.id = advisory.organisation_id) WHERE anonymous;
CREATE UNIQUE INDEX advisory_external ON advisory (source, external_id) WHERE external_id <> '';

DROP INDEX advisory_group;
DROP INDEX advisory_list;
DROP INDEX advisory_category;
DROP INDEX advisory_source;
DROP INDEX advisory_brand;
CREATE INDEX advisory_list ON advisory (position, state, tlp, organisation_id);
CREATE INDEX advisory_category ON advisory (category, position, state, tlp, organisation_id);
CREATE INDEX advisory_source ON advisory (source, state, tlp, organisation_id);
CREATE INDEX advisory_brand ON advisory (brand, state, tlp, organisation_id);

ALTER TABLE collector DROP COLUMN group_id;
ALTER TABLE import_run DROP COLUMN group_id;
ALTER TABLE observation DROP COLUMN group_id;
ALTER TABLE sighting DROP COLUMN anonymous;
ALTER TABLE advisory DROP COLUMN anonymous;
ALTER TABLE advisory DROP COLUMN group_id;
