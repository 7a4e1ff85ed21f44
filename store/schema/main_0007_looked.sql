-- Serves binaries from version 5
-- Looks at people who come by chance are each at another place of an index by person: each look had a page of its own written, twice. By person within
-- some thousand looks that came one after the other, those of one commit share pages. PostgreSQL keeps the index it has: see dialect.go.
DROP INDEX look_person;
CREATE INDEX look_part ON look ((id >> 12), person);
