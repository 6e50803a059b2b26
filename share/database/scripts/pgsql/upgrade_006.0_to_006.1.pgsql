-- 6.0 to 6.1: a number only; nothing of these tables differs.

BEGIN;
UPDATE schema_version SET version = 6, minor = 1;
COMMIT;
