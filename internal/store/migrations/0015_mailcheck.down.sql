DROP TABLE dkim_key;
DROP TABLE correspondent;
DROP TABLE mail_setting;
