-- Forgetting people: what an erasure needs while it is under way, and what it leaves.
CREATE TABLE erasure (
	id BYTES PRIMARY KEY,          -- random: it says nothing of whom
	begun BIGINT NOT NULL,
	ended BIGINT NOT NULL,         -- 0 while it is under way
	body BYTES NOT NULL            -- what the certificate will say, as JSON; the signed certificate when it has ended
);
CREATE INDEX erasure_open ON erasure (id) WHERE ended = 0;

CREATE TABLE leaving (
	person BYTES PRIMARY KEY,      -- a pseudonym whose key and rows are gone, and whose events may not be yet
	erasure BYTES NOT NULL
);

CREATE TABLE tombstone (
	hash BYTES PRIMARY KEY,        -- keyed hash of an identifier of somebody who was forgotten
	at BIGINT NOT NULL
);

CREATE TABLE retained (
	id BYTES PRIMARY KEY,          -- random
	label BYTES NOT NULL,          -- keyed hash by which the law's question finds it
	purpose NAME NOT NULL,         -- the legal obligation, as the charter names it
	until BIGINT NOT NULL,
	body BYTES NOT NULL            -- sealed under a key that opens nothing else
);
CREATE INDEX retained_label ON retained (label);
CREATE INDEX retained_until ON retained (until);

-- By how many keys, one after the other, the blind was made: see trust/vault/index.go.
ALTER TABLE identifier ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;

CREATE INDEX sighting_person ON sighting (person);
CREATE INDEX sealed_claim ON sealed (key) WHERE kind = 9; -- claims of one identifier, whoever's browser made them
