-- The rules first: they speak of the tables.
DROP RULE audit_leaf_kept ON audit_leaf;
DROP RULE audit_leaf_fixed ON audit_leaf;
DROP RULE audit_kept ON audit;
DROP RULE audit_fixed ON audit;
DROP TABLE audit_denial;
DROP TABLE audit_signer;
DROP TABLE audit_checkpoint;
DROP TABLE audit_gap;
DROP TABLE audit_tree;
DROP TABLE audit_retention;
DROP TABLE audit_segment;
DROP TABLE audit_leaf;
DROP INDEX audit_account;
DROP INDEX audit_organisation;
DROP INDEX audit_at;
ALTER TABLE audit DROP COLUMN request;
ALTER TABLE audit DROP COLUMN token_id;
ALTER TABLE audit DROP COLUMN device_id;
