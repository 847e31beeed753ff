DROP INDEX advisory_brand;
DROP INDEX advisory_source;
DROP INDEX advisory_category;
DROP INDEX advisory_list;
CREATE INDEX advisory_category ON advisory (category, position);
