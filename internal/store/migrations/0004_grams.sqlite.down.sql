DROP TABLE search_gram;
