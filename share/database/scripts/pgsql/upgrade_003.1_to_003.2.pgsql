-- 3.1 to 3.2: hosts without a subnet or address (NULL or 0) are not in each other's way.

BEGIN;

ALTER TABLE hosts
    DROP CONSTRAINT key_dhcp4_identifier_subnet_id,
    DROP CONSTRAINT key_dhcp6_identifier_subnet_id,
    DROP CONSTRAINT key_dhcp4_ipv4_address_subnet_id;
CREATE UNIQUE INDEX key_dhcp4_identifier_subnet_id
    ON hosts (dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id)
    WHERE dhcp4_subnet_id IS NOT NULL AND dhcp4_subnet_id <> 0;
CREATE UNIQUE INDEX key_dhcp6_identifier_subnet_id
    ON hosts (dhcp_identifier, dhcp_identifier_type, dhcp6_subnet_id)
    WHERE dhcp6_subnet_id IS NOT NULL AND dhcp6_subnet_id <> 0;
CREATE UNIQUE INDEX key_dhcp4_ipv4_address_subnet_id
    ON hosts (ipv4_address, dhcp4_subnet_id)
    WHERE ipv4_address IS NOT NULL AND ipv4_address <> 0;

UPDATE schema_version SET version = 3, minor = 2;

COMMIT;
