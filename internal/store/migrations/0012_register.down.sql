DROP TABLE domain_request;
DROP TABLE token;
ALTER TABLE account DROP COLUMN moved_from;
