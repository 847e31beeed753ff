-- Go makes the grams; FTS5 only stores them. The rowid is the position, so
-- that the newest come first without sorting.
CREATE VIRTUAL TABLE search_gram USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none,
    tokenize = "ascii"
);
