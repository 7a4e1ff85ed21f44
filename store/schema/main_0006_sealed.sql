-- Serves binaries from version 5
-- What is sealed does not get smaller by compressing: PostgreSQL tried, and a fifth of its time for an event went there.
ALTER TABLE journal ALTER COLUMN body SET STORAGE EXTERNAL;
