-- 3.2 to 3.3: numbers of subnets of hosts have 32 bits without a sign.

BEGIN;
ALTER TABLE hosts
    ALTER COLUMN dhcp4_subnet_id TYPE BIGINT,
    ALTER COLUMN dhcp6_subnet_id TYPE BIGINT;
UPDATE schema_version SET version = 3, minor = 3;
COMMIT;
