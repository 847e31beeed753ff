-- What lists and their counts need of an advisory without its text: who may see
-- it, in the order of lists, and what it can be narrowed by.
DROP INDEX advisory_category;
CREATE INDEX advisory_list ON advisory (position, state, tlp, organisation_id);
CREATE INDEX advisory_category ON advisory (category, position, state, tlp, organisation_id);
CREATE INDEX advisory_source ON advisory (source, state, tlp, organisation_id);
CREATE INDEX advisory_brand ON advisory (brand, state, tlp, organisation_id);
