-- Serves binaries from version 5
-- Receipts of people who come by chance are each at another place of an index by person: see main_0007_looked.sql. PostgreSQL keeps the index it has.
DROP INDEX receipt_person;
CREATE INDEX receipt_part ON receipt ((seq >> 12), person, at);
