-- The folded text of each advisory, on which candidates are verified.
CREATE TABLE search_text (
    position    BIGINT PRIMARY KEY,
    advisory_id BIGINT NOT NULL UNIQUE REFERENCES advisory (id),
    folded      TEXT NOT NULL
);
