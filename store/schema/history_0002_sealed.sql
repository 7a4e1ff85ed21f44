-- Serves binaries from version 1
-- What is sealed does not get smaller by compressing.
ALTER TABLE history ALTER COLUMN body SET STORAGE EXTERNAL;
