-- 5.0 to 5.1: longer authentication keys.

BEGIN;
ALTER TABLE hosts ALTER COLUMN auth_key TYPE VARCHAR(32);
UPDATE schema_version SET version = 5, minor = 1;
COMMIT;
