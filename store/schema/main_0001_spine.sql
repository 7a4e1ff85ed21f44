-- One text for both engines. BYTES, NAME, COUNTER, FOREVER and CLUSTERED are rewritten by dialect.go; times are microseconds UTC.

CREATE TABLE person (
	id BYTES PRIMARY KEY,          -- pseudonym
	root BYTES NOT NULL,           -- names the person; its own id when it is joined to nobody
	parent BYTES,                  -- what it was brought to, so that a split can take along what was joined to it
	joined_at BIGINT NOT NULL,
	why NAME NOT NULL,
	version BIGINT NOT NULL,       -- of the person; counts at the root only
	enrolled_at BIGINT NOT NULL,
	wrapped BYTES NOT NULL         -- data key, wrapped
) CLUSTERED;
CREATE INDEX person_root ON person (root) WHERE root <> id;

CREATE TABLE identifier (
	blind BYTES NOT NULL,
	since BIGINT NOT NULL,
	person BYTES NOT NULL,
	verified BIGINT NOT NULL,
	PRIMARY KEY (blind, since)
) CLUSTERED;
CREATE INDEX identifier_person ON identifier (person);

CREATE TABLE sealed (
	person BYTES NOT NULL,
	kind BIGINT NOT NULL,
	key BYTES NOT NULL,
	at BIGINT NOT NULL,
	head BYTES NOT NULL,
	body BYTES NOT NULL,
	PRIMARY KEY (person, kind, key)
) CLUSTERED;

CREATE TABLE journal (
	seq COUNTER,
	received BIGINT NOT NULL,      -- of the oldest frame; the frames' times are written relative to it
	body BYTES NOT NULL            -- frames, one behind the other
);

CREATE TABLE stream (
	id COUNTER,
	event NAME NOT NULL,
	source NAME NOT NULL,
	charter BIGINT NOT NULL,
	UNIQUE (event, source, charter)
);

CREATE TABLE receipt (
	seq FOREVER,                   -- never given twice, even when all receipts were swept
	key BYTES NOT NULL UNIQUE,
	person BYTES NOT NULL,
	at BIGINT NOT NULL,
	head BYTES NOT NULL,
	body BYTES NOT NULL
);
CREATE INDEX receipt_person ON receipt (person, at);
CREATE INDEX receipt_at ON receipt (at);

CREATE TABLE sighting (
	item BYTES NOT NULL,
	person BYTES NOT NULL,
	PRIMARY KEY (item, person)
) CLUSTERED;

CREATE TABLE charter (
	position BIGINT PRIMARY KEY,
	hash NAME NOT NULL,
	source BYTES NOT NULL,
	at BIGINT NOT NULL,
	by NAME NOT NULL
);

CREATE TABLE item (
	id NAME PRIMARY KEY,
	version BIGINT NOT NULL,
	body BYTES NOT NULL
);

CREATE INDEX item_version ON item (version);

CREATE TABLE counter (
	name NAME PRIMARY KEY,
	n BIGINT NOT NULL
);

CREATE TABLE model (
	name NAME PRIMARY KEY,
	version NAME NOT NULL,
	at BIGINT NOT NULL,
	body BYTES NOT NULL
);

CREATE TABLE lease (
	name NAME PRIMARY KEY,
	holder NAME NOT NULL,
	until BIGINT NOT NULL
);

CREATE TABLE setting (
	name NAME PRIMARY KEY,
	value BYTES NOT NULL
);

CREATE TABLE look (
	id FOREVER,
	number BIGINT,                 -- NULL until the sequencer gives it its place in the ledger
	person BYTES NOT NULL,         -- root pseudonym; all zeros for a population
	at BIGINT NOT NULL,
	kind NAME NOT NULL,
	actor NAME NOT NULL,
	role NAME NOT NULL,
	team NAME NOT NULL,
	purpose NAME NOT NULL,
	fields NAME NOT NULL,
	count BIGINT NOT NULL,
	filter NAME NOT NULL,
	reason BYTES NOT NULL,
	leaf BYTES NOT NULL
);
CREATE UNIQUE INDEX look_number ON look (number) WHERE number IS NOT NULL;
CREATE INDEX look_pending ON look (id) WHERE number IS NULL;
CREATE INDEX look_person ON look (person, id);

CREATE TABLE tree (
	idx BIGINT PRIMARY KEY,
	hash BYTES NOT NULL
);

CREATE TABLE head (
	one BIGINT PRIMARY KEY,        -- always 1
	signed BYTES NOT NULL
);

CREATE TABLE token (
	hash BYTES PRIMARY KEY,
	issued BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	body BYTES NOT NULL            -- what it may do, as JSON
);

CREATE TABLE session (
	hash BYTES PRIMARY KEY,
	person BYTES NOT NULL,         -- all zeros for staff
	expires BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	body BYTES NOT NULL
);
CREATE INDEX session_person ON session (person);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE link (
	hash BYTES PRIMARY KEY,
	expires BIGINT NOT NULL,
	body BYTES NOT NULL
);

CREATE TABLE refusal (
	day BIGINT NOT NULL,
	source NAME NOT NULL,
	event NAME NOT NULL,
	field NAME NOT NULL,
	reason NAME NOT NULL,
	count BIGINT NOT NULL,
	PRIMARY KEY (day, source, event, field, reason)
) CLUSTERED;
