-- Each person's folded events. On SQLite this is a file of its own, so that folding never makes the door wait. Not CLUSTERED: see layout.go.
CREATE TABLE history (
	person BYTES NOT NULL,
	chunk BIGINT NOT NULL,
	last BIGINT NOT NULL,          -- when its latest frame was received
	heads BYTES NOT NULL,          -- the frames' heads, one behind the other: all but pseudonym and body
	body BYTES NOT NULL,           -- the sealed bodies in the same order
	PRIMARY KEY (person, chunk)
);

CREATE TABLE folded (
	one BIGINT PRIMARY KEY,        -- always 1
	seq BIGINT NOT NULL            -- journal rows up to here are in history already
);
INSERT INTO folded (one, seq) VALUES (1, 0);
