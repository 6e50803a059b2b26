-- 3.0 to 3.1: one more kind of identifiers of hosts.

BEGIN;
INSERT INTO host_identifier_type (type, name) VALUES (4, 'flex-id');
UPDATE schema_version SET version = 3, minor = 1;
COMMIT;
