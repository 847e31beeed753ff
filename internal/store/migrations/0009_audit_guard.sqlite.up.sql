-- Records are appended, never changed, and go only with what retention has
-- written down. This keeps mistakes away; who can drop a trigger is found by
-- the tree.
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record cannot be changed'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_leaf l JOIN audit_tree t ON l.position < t.kept WHERE l.audit_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'an audit record cannot be removed'); END;
CREATE TRIGGER audit_leaf_fixed BEFORE UPDATE ON audit_leaf
BEGIN SELECT RAISE(ABORT, 'an audit record cannot be changed'); END;
CREATE TRIGGER audit_leaf_kept BEFORE DELETE ON audit_leaf
WHEN NOT EXISTS (SELECT 1 FROM audit_tree t WHERE OLD.position < t.kept)
BEGIN SELECT RAISE(ABORT, 'an audit record cannot be removed'); END;
