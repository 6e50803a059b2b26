-- 1.0 to 2.0: states of leases, and functions that write leases as lines of text.

BEGIN;

CREATE TABLE lease_state (
    state BIGINT      NOT NULL PRIMARY KEY,
    name  VARCHAR(64) NOT NULL
);
INSERT INTO lease_state (state, name) VALUES (0, 'default'), (1, 'declined'), (2, 'expired-reclaimed');

ALTER TABLE lease4
    ADD COLUMN state BIGINT DEFAULT 0,
    ADD CONSTRAINT fk_lease4_state FOREIGN KEY (state) REFERENCES lease_state (state);
CREATE INDEX lease4_by_state_expire ON lease4 (state, expire);

ALTER TABLE lease6
    ADD COLUMN state BIGINT DEFAULT 0,
    ADD CONSTRAINT fk_lease6_state FOREIGN KEY (state) REFERENCES lease_state (state),
    ADD CONSTRAINT fk_lease6_type FOREIGN KEY (lease_type) REFERENCES lease6_types (lease_type);
CREATE INDEX lease6_by_state_expire ON lease6 (state, expire);

CREATE FUNCTION lease4DumpHeader() RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(',', 'address', 'hwaddr', 'client_id', 'valid_lifetime', 'expire', 'subnet_id',
        'fqdn_fwd', 'fqdn_rev', 'hostname', 'state')
$body$;

CREATE FUNCTION lease4DumpData() RETURNS TABLE (
    address inet, hwaddr text, client_id text, valid_lifetime bigint, expire timestamp with time zone,
    subnet_id bigint, fqdn_fwd int, fqdn_rev int, hostname text, state text
) LANGUAGE sql AS $body$
    SELECT inet '0.0.0.0' + lease.address, encode(lease.hwaddr, 'hex'), encode(lease.client_id, 'hex'),
        lease.valid_lifetime, lease.expire, lease.subnet_id, lease.fqdn_fwd::int, lease.fqdn_rev::int,
        lease.hostname, known.name
    FROM lease4 AS lease LEFT JOIN lease_state AS known ON known.state = lease.state
    ORDER BY lease.address
$body$;

CREATE FUNCTION lease6DumpHeader() RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(',', 'address', 'duid', 'valid_lifetime', 'expire', 'subnet_id', 'pref_lifetime',
        'lease_type', 'iaid', 'prefix_len', 'fqdn_fwd', 'fqdn_rev', 'hostname', 'state')
$body$;

CREATE FUNCTION lease6DumpData() RETURNS TABLE (
    address text, duid text, valid_lifetime bigint, expire timestamp with time zone, subnet_id bigint,
    pref_lifetime bigint, name text, iaid int, prefix_len smallint, fqdn_fwd int, fqdn_rev int,
    hostname text, state text
) LANGUAGE sql AS $body$
    SELECT lease.address, encode(lease.duid, 'hex'), lease.valid_lifetime, lease.expire, lease.subnet_id,
        lease.pref_lifetime, kind.name, lease.iaid, lease.prefix_len, lease.fqdn_fwd::int,
        lease.fqdn_rev::int, lease.hostname, known.name
    FROM lease6 AS lease
        LEFT JOIN lease6_types AS kind ON kind.lease_type = lease.lease_type
        LEFT JOIN lease_state AS known ON known.state = lease.state
    ORDER BY lease.address
$body$;

UPDATE schema_version SET version = 2, minor = 0;

COMMIT;
