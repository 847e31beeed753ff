DROP TABLE revocation_list;
DROP TABLE enrolment;
DROP TABLE server_key;
DROP TABLE certificate;
DROP TABLE authority;
