DROP TABLE mailbox_answer;
DROP TABLE mailbox_seen;
DROP TABLE mailbox_mail;
DROP TABLE mailbox_imap;
DROP TABLE mailbox_address;
