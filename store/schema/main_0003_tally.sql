-- What happened on each day, as counts by kind and name, for the console's charts: no person is in it.
CREATE TABLE tally (
	day BIGINT NOT NULL,
	kind NAME NOT NULL,
	name NAME NOT NULL,
	count BIGINT NOT NULL,
	PRIMARY KEY (day, kind, name)
) CLUSTERED;
