-- Records are appended, never changed, and go only with what retention has
-- written down. This keeps mistakes away; who can drop a rule is found by the
-- tree. Rules and not triggers: those need a function, which stays behind when
-- a restore moves its tables from schema to schema. A rule has no RAISE: a text
-- that is no number does it, and its words are in the error.
CREATE RULE audit_fixed AS ON UPDATE TO audit
DO ALSO SELECT CAST('audit record ' || OLD.id || ' cannot be changed' AS BIGINT);
CREATE RULE audit_kept AS ON DELETE TO audit
DO ALSO SELECT CAST('audit record ' || OLD.id || ' cannot be removed' AS BIGINT)
WHERE NOT EXISTS (SELECT 1 FROM audit_leaf l JOIN audit_tree t ON l.position < t.kept WHERE l.audit_id = OLD.id);
CREATE RULE audit_leaf_fixed AS ON UPDATE TO audit_leaf
DO ALSO SELECT CAST('audit record ' || OLD.audit_id || ' cannot be changed' AS BIGINT);
CREATE RULE audit_leaf_kept AS ON DELETE TO audit_leaf
DO ALSO SELECT CAST('audit record ' || OLD.audit_id || ' cannot be removed' AS BIGINT)
WHERE NOT EXISTS (SELECT 1 FROM audit_tree t WHERE OLD.position < t.kept);
