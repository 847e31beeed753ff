-- Go makes the grams; tsvector only stores them.
ALTER TABLE search_text ADD COLUMN grams TSVECTOR NOT NULL;
CREATE INDEX search_text_grams ON search_text USING gin (grams) WITH (fastupdate = off);
