-- What may be used once and was: hashes of the ids of sign-in tokens, until the tokens run out.
CREATE TABLE spent (
	hash BYTES PRIMARY KEY,
	until BIGINT NOT NULL
);
