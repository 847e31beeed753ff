DROP TABLE federate_request;
DROP TABLE federate_identity;
DROP TABLE passkey_ceremony;
DROP TABLE passkey;
DROP TABLE passkey_user;
