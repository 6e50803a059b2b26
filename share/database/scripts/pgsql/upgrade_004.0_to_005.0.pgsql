-- 4.0 to 5.0: user contexts of leases, authentication keys of hosts, a table for the legal log.

BEGIN;

ALTER TABLE hosts ADD COLUMN auth_key VARCHAR(16) DEFAULT NULL;
ALTER TABLE lease4 ADD COLUMN user_context TEXT;
ALTER TABLE lease6 ADD COLUMN user_context TEXT;

-- Who had which address, and when.
CREATE TABLE logs (
    timestamp TIMESTAMP WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP,
    address   VARCHAR(43),
    log       TEXT NOT NULL
);
CREATE INDEX timestamp_id ON logs (timestamp);
CREATE INDEX address_id ON logs (address);

DROP FUNCTION lease4DumpHeader();
DROP FUNCTION lease4DumpData();
DROP FUNCTION lease6DumpHeader();
DROP FUNCTION lease6DumpData();

CREATE FUNCTION lease4DumpHeader() RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(',', 'address', 'hwaddr', 'client_id', 'valid_lifetime', 'expire', 'subnet_id',
        'fqdn_fwd', 'fqdn_rev', 'hostname', 'state', 'user_context')
$body$;

CREATE FUNCTION lease4DumpData() RETURNS TABLE (
    address inet, hwaddr text, client_id text, valid_lifetime bigint, expire timestamp with time zone,
    subnet_id bigint, fqdn_fwd int, fqdn_rev int, hostname text, state text, user_context text
) LANGUAGE sql AS $body$
    SELECT inet '0.0.0.0' + lease.address, encode(lease.hwaddr, 'hex'), encode(lease.client_id, 'hex'),
        lease.valid_lifetime, lease.expire, lease.subnet_id, lease.fqdn_fwd::int, lease.fqdn_rev::int,
        lease.hostname, known.name, lease.user_context
    FROM lease4 AS lease LEFT JOIN lease_state AS known ON known.state = lease.state
    ORDER BY lease.address
$body$;

CREATE FUNCTION lease6DumpHeader() RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(',', 'address', 'duid', 'valid_lifetime', 'expire', 'subnet_id', 'pref_lifetime',
        'lease_type', 'iaid', 'prefix_len', 'fqdn_fwd', 'fqdn_rev', 'hostname', 'state', 'hwaddr', 'hwtype',
        'hwaddr_source', 'user_context')
$body$;

CREATE FUNCTION lease6DumpData() RETURNS TABLE (
    address text, duid text, valid_lifetime bigint, expire timestamp with time zone, subnet_id bigint,
    pref_lifetime bigint, name text, iaid int, prefix_len smallint, fqdn_fwd int, fqdn_rev int,
    hostname text, state text, hwaddr text, hwtype smallint, hwaddr_source text, user_context text
) LANGUAGE sql AS $body$
    SELECT lease.address, encode(lease.duid, 'hex'), lease.valid_lifetime, lease.expire, lease.subnet_id,
        lease.pref_lifetime, kind.name, lease.iaid, lease.prefix_len, lease.fqdn_fwd::int,
        lease.fqdn_rev::int, lease.hostname, known.name, encode(lease.hwaddr, 'hex'), lease.hwtype,
        source.name, lease.user_context
    FROM lease6 AS lease
        LEFT JOIN lease6_types AS kind ON kind.lease_type = lease.lease_type
        LEFT JOIN lease_state AS known ON known.state = lease.state
        LEFT JOIN lease_hwaddr_source AS source ON source.hwaddr_source = lease.hwaddr_source
    ORDER BY lease.address
$body$;

UPDATE schema_version SET version = 5, minor = 0;

COMMIT;
