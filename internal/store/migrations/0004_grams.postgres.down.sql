DROP INDEX search_text_grams;
ALTER TABLE search_text DROP COLUMN grams;
