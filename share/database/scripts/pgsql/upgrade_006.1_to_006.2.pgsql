-- 6.1 to 6.2: an address may be reserved for several hosts; whether it is, is the server's configuration.

BEGIN;
-- Tables that Kea has upgraded from 3.1 have the second name.
DROP INDEX IF EXISTS key_dhcp4_ipv4_address_subnet_id, hosts_dhcp4_ipv4_address_subnet_id;
CREATE INDEX key_dhcp4_ipv4_address_subnet_id ON hosts (ipv4_address, dhcp4_subnet_id);
ALTER TABLE ipv6_reservations DROP CONSTRAINT key_dhcp6_address_prefix_len;
CREATE INDEX key_dhcp6_address_prefix_len ON ipv6_reservations (address, prefix_len);
UPDATE schema_version SET version = 6, minor = 2;
COMMIT;
