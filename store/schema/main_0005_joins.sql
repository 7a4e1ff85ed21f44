-- Who was joined to whom by which value, what is doubtful of it, and what stewards said.
ALTER TABLE person ADD COLUMN doubtful BIGINT NOT NULL DEFAULT 0; -- 1: that it was joined to its parent is doubtful
ALTER TABLE person ADD COLUMN via BYTES;                          -- the bond by which it was joined to its parent, if it was by one
ALTER TABLE person ADD COLUMN source NAME NOT NULL DEFAULT '';    -- and the source that sent the value
CREATE INDEX person_via ON person (via) WHERE via IS NOT NULL;

-- A bond is a random name of a value that joins people, so that what was joined by it is found whichever key the blinds are made by.
ALTER TABLE identifier ADD COLUMN bond BYTES;
ALTER TABLE identifier ADD COLUMN led BIGINT NOT NULL DEFAULT 1;  -- how many people were seen to have the value
CREATE INDEX identifier_bond ON identifier (bond) WHERE bond IS NOT NULL;

CREATE TABLE bearer (
	person BYTES NOT NULL,         -- who has a value too, beside the one to whom it leads and whoever was joined first by it
	bond BYTES NOT NULL,
	at BIGINT NOT NULL,
	source NAME NOT NULL,
	PRIMARY KEY (person, bond)
) CLUSTERED;

CREATE TABLE pairing (
	a BYTES NOT NULL,              -- two pseudonyms, the lower one first
	b BYTES NOT NULL,
	state NAME NOT NULL,           -- proposed, matched, same, different
	score BIGINT NOT NULL,         -- thousandths of a bit
	weights BYTES NOT NULL,        -- what each field weighs, as JSON: names and numbers, no value
	decided_by NAME NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (a, b)
) CLUSTERED;
CREATE INDEX pairing_b ON pairing (b);
CREATE INDEX pairing_state ON pairing (state, score);
