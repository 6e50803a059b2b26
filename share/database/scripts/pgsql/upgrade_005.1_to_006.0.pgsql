-- 5.1 to 6.0: leases and hosts are found by their names, in whatever case.

BEGIN;
CREATE INDEX lease4_by_hostname ON lease4 (lower(hostname)) WHERE hostname IS NOT NULL;
CREATE INDEX lease6_by_hostname ON lease6 (lower(hostname)) WHERE hostname IS NOT NULL;
CREATE INDEX hosts_by_hostname ON hosts (lower(hostname)) WHERE hostname IS NOT NULL;
UPDATE schema_version SET version = 6, minor = 0;
COMMIT;
