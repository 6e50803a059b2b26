-- 6.2 to 13.0: leases as lines that memfile reads, limits on the leases of a class.
--
-- What leases and hosts need of the versions between, in one step. The tables of Kea's configuration back-end, which
-- joined in these versions, are not among them.

BEGIN;

-- Hosts --------------------------------------------------------------------------------------------------------------

INSERT INTO dhcp_option_scope (scope_id, scope_name) VALUES (4, 'shared-network'), (5, 'pool'), (6, 'pd-pool');

-- Tables that Kea has upgraded from 3.1 have the second names.
DROP INDEX IF EXISTS key_dhcp4_identifier_subnet_id, hosts_dhcp4_identifier_subnet_id;
DROP INDEX IF EXISTS key_dhcp6_identifier_subnet_id, hosts_dhcp6_identifier_subnet_id;
CREATE UNIQUE INDEX key_dhcp4_identifier_subnet_id
    ON hosts (dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id) WHERE dhcp4_subnet_id IS NOT NULL;
CREATE UNIQUE INDEX key_dhcp6_identifier_subnet_id
    ON hosts (dhcp_identifier, dhcp_identifier_type, dhcp6_subnet_id) WHERE dhcp6_subnet_id IS NOT NULL;
CREATE INDEX key_dhcp_identifier ON hosts (dhcp_identifier, dhcp_identifier_type);

ALTER TABLE dhcp4_options
    ADD COLUMN shared_network_name VARCHAR(128) DEFAULT NULL,
    ADD COLUMN pool_id BIGINT,
    ADD COLUMN modification_ts TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP;
CREATE INDEX fk_dhcp4_options_shared_network ON dhcp4_options (shared_network_name);
CREATE INDEX fk_dhcp4_options_subnet ON dhcp4_options (dhcp4_subnet_id);
CREATE INDEX fk_dhcp4_options_pool ON dhcp4_options (pool_id);

ALTER TABLE dhcp6_options
    ADD COLUMN shared_network_name VARCHAR(128) DEFAULT NULL,
    ADD COLUMN pool_id BIGINT,
    ADD COLUMN pd_pool_id BIGINT,
    ADD COLUMN modification_ts TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP;
CREATE INDEX fk_dhcp6_options_shared_network ON dhcp6_options (shared_network_name);
CREATE INDEX fk_dhcp6_options_subnet ON dhcp6_options (dhcp6_subnet_id);
CREATE INDEX fk_dhcp6_options_pool ON dhcp6_options (pool_id);
CREATE INDEX fk_dhcp6_options_pd_pool ON dhcp6_options (pd_pool_id);

-- Counting -----------------------------------------------------------------------------------------------------------

-- Numbers of assigned leases of clients of a class. The classes of a client are in the context of its lease, under
-- "ISC" and "client-classes".
CREATE TABLE lease4_stat_by_client_class (
    client_class VARCHAR(128) NOT NULL PRIMARY KEY,
    leases       BIGINT       NOT NULL
);

CREATE TABLE lease6_stat_by_client_class (
    client_class VARCHAR(128) NOT NULL,
    lease_type   SMALLINT     NOT NULL,
    leases       BIGINT       NOT NULL,
    PRIMARY KEY (client_class, lease_type),
    CONSTRAINT fk_lease6_stat_by_client_class_lease_type FOREIGN KEY (lease_type)
        REFERENCES lease6_types (lease_type)
);

DROP TRIGGER stat_lease4_insert ON lease4;
DROP TRIGGER stat_lease4_update ON lease4;
DROP TRIGGER stat_lease4_delete ON lease4;
DROP TRIGGER stat_lease6_insert ON lease6;
DROP TRIGGER stat_lease6_update ON lease6;
DROP TRIGGER stat_lease6_delete ON lease6;

-- A context as JSON; what is none is an empty object.
CREATE FUNCTION json_cast(json_candidate text) RETURNS json LANGUAGE plpgsql AS $body$
BEGIN
    IF json_candidate <> '' THEN
        RETURN json_candidate::json;
    END IF;
    RETURN json '{}';
EXCEPTION WHEN invalid_text_representation THEN
    RETURN json '{}';
END
$body$;

CREATE FUNCTION isJsonSupported() RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    RETURN true;
END
$body$;

-- The classes that a context names; no row for anything else.
CREATE FUNCTION leaseClasses(context text) RETURNS SETOF text LANGUAGE sql AS $body$
    SELECT name
    FROM (SELECT json_cast(context) #> '{ISC,client-classes}' AS list) AS found,
        json_array_elements_text(CASE json_typeof(list) WHEN 'array' THEN list ELSE json '[]' END) AS name
    ORDER BY name
$body$;

-- One lease more (1) or less (-1) of a client in the classes that its context names.
CREATE FUNCTION lease4CountClasses(context text, step int) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    IF step > 0 THEN
        INSERT INTO lease4_stat_by_client_class AS counted (client_class, leases)
            SELECT name, count(*) FROM leaseClasses(context) AS name GROUP BY name ORDER BY name
            ON CONFLICT (client_class) DO UPDATE SET leases = counted.leases + excluded.leases;
    ELSE
        UPDATE lease4_stat_by_client_class AS counted SET leases = greatest(0, counted.leases - gone.times)
            FROM (SELECT name, count(*) AS times FROM leaseClasses(context) AS name GROUP BY name) AS gone
            WHERE counted.client_class = gone.name;
    END IF;
END
$body$;

CREATE FUNCTION lease6CountClasses(context text, type smallint, step int) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    IF step > 0 THEN
        INSERT INTO lease6_stat_by_client_class AS counted (client_class, lease_type, leases)
            SELECT name, type, count(*) FROM leaseClasses(context) AS name GROUP BY name ORDER BY name
            ON CONFLICT (client_class, lease_type) DO UPDATE SET leases = counted.leases + excluded.leases;
    ELSE
        UPDATE lease6_stat_by_client_class AS counted SET leases = greatest(0, counted.leases - gone.times)
            FROM (SELECT name, count(*) AS times FROM leaseClasses(context) AS name GROUP BY name) AS gone
            WHERE counted.client_class = gone.name AND counted.lease_type = type;
    END IF;
END
$body$;

-- Classes are counted beside subnets where a lease has a context at all.
CREATE FUNCTION func_lease4_AINS() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.state IN (0, 1) AND NEW.subnet_id IS NOT NULL THEN
        INSERT INTO lease4_stat AS counted (subnet_id, state, leases) VALUES (NEW.subnet_id, NEW.state, 1)
            ON CONFLICT (subnet_id, state) DO UPDATE SET leases = counted.leases + 1;
    END IF;
    IF NEW.state = 0 AND NEW.user_context <> '' THEN
        PERFORM lease4CountClasses(NEW.user_context, 1);
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION func_lease4_AUPD() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (OLD.subnet_id, OLD.state) IS DISTINCT FROM (NEW.subnet_id, NEW.state) THEN
        IF OLD.state IN (0, 1) THEN
            UPDATE lease4_stat SET leases = leases - 1
                WHERE subnet_id = OLD.subnet_id AND state = OLD.state AND leases > 0;
        END IF;
        IF NEW.state IN (0, 1) AND NEW.subnet_id IS NOT NULL THEN
            INSERT INTO lease4_stat AS counted (subnet_id, state, leases) VALUES (NEW.subnet_id, NEW.state, 1)
                ON CONFLICT (subnet_id, state) DO UPDATE SET leases = counted.leases + 1;
        END IF;
    END IF;
    IF (OLD.state, OLD.user_context) IS DISTINCT FROM (NEW.state, NEW.user_context) THEN
        IF OLD.state = 0 AND OLD.user_context <> '' THEN
            PERFORM lease4CountClasses(OLD.user_context, -1);
        END IF;
        IF NEW.state = 0 AND NEW.user_context <> '' THEN
            PERFORM lease4CountClasses(NEW.user_context, 1);
        END IF;
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION func_lease4_ADEL() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.state IN (0, 1) THEN
        UPDATE lease4_stat SET leases = leases - 1
            WHERE subnet_id = OLD.subnet_id AND state = OLD.state AND leases > 0;
    END IF;
    IF OLD.state = 0 AND OLD.user_context <> '' THEN
        PERFORM lease4CountClasses(OLD.user_context, -1);
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION func_lease6_AINS() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.state IN (0, 1) AND NEW.subnet_id IS NOT NULL AND NEW.lease_type IS NOT NULL THEN
        INSERT INTO lease6_stat AS counted (subnet_id, lease_type, state, leases)
            VALUES (NEW.subnet_id, NEW.lease_type, NEW.state, 1)
            ON CONFLICT (subnet_id, lease_type, state) DO UPDATE SET leases = counted.leases + 1;
    END IF;
    IF NEW.state = 0 AND NEW.user_context <> '' AND NEW.lease_type IS NOT NULL THEN
        PERFORM lease6CountClasses(NEW.user_context, NEW.lease_type, 1);
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION func_lease6_AUPD() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (OLD.subnet_id, OLD.lease_type, OLD.state) IS DISTINCT FROM (NEW.subnet_id, NEW.lease_type, NEW.state) THEN
        IF OLD.state IN (0, 1) THEN
            UPDATE lease6_stat SET leases = leases - 1
                WHERE subnet_id = OLD.subnet_id AND lease_type = OLD.lease_type AND state = OLD.state
                    AND leases > 0;
        END IF;
        IF NEW.state IN (0, 1) AND NEW.subnet_id IS NOT NULL AND NEW.lease_type IS NOT NULL THEN
            INSERT INTO lease6_stat AS counted (subnet_id, lease_type, state, leases)
                VALUES (NEW.subnet_id, NEW.lease_type, NEW.state, 1)
                ON CONFLICT (subnet_id, lease_type, state) DO UPDATE SET leases = counted.leases + 1;
        END IF;
    END IF;
    IF (OLD.state, OLD.lease_type, OLD.user_context) IS DISTINCT FROM (NEW.state, NEW.lease_type, NEW.user_context)
    THEN
        IF OLD.state = 0 AND OLD.user_context <> '' THEN
            PERFORM lease6CountClasses(OLD.user_context, OLD.lease_type, -1);
        END IF;
        IF NEW.state = 0 AND NEW.user_context <> '' AND NEW.lease_type IS NOT NULL THEN
            PERFORM lease6CountClasses(NEW.user_context, NEW.lease_type, 1);
        END IF;
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION func_lease6_ADEL() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.state IN (0, 1) THEN
        UPDATE lease6_stat SET leases = leases - 1
            WHERE subnet_id = OLD.subnet_id AND lease_type = OLD.lease_type AND state = OLD.state
                AND leases > 0;
    END IF;
    IF OLD.state = 0 AND OLD.user_context <> '' THEN
        PERFORM lease6CountClasses(OLD.user_context, OLD.lease_type, -1);
    END IF;
    RETURN NULL;
END
$body$;

CREATE TRIGGER lease4_AINS AFTER INSERT ON lease4 FOR EACH ROW EXECUTE PROCEDURE func_lease4_AINS();
CREATE TRIGGER lease4_AUPD AFTER UPDATE ON lease4 FOR EACH ROW EXECUTE PROCEDURE func_lease4_AUPD();
CREATE TRIGGER lease4_ADEL AFTER DELETE ON lease4 FOR EACH ROW EXECUTE PROCEDURE func_lease4_ADEL();
CREATE TRIGGER lease6_AINS AFTER INSERT ON lease6 FOR EACH ROW EXECUTE PROCEDURE func_lease6_AINS();
CREATE TRIGGER lease6_AUPD AFTER UPDATE ON lease6 FOR EACH ROW EXECUTE PROCEDURE func_lease6_AUPD();
CREATE TRIGGER lease6_ADEL AFTER DELETE ON lease6 FOR EACH ROW EXECUTE PROCEDURE func_lease6_ADEL();

DROP FUNCTION proc_stat_lease4_insert();
DROP FUNCTION proc_stat_lease4_update();
DROP FUNCTION proc_stat_lease4_delete();
DROP FUNCTION proc_stat_lease6_insert();
DROP FUNCTION proc_stat_lease6_update();
DROP FUNCTION proc_stat_lease6_delete();

-- What is there already. Nothing of earlier versions wrote classes into a context, but anybody may have.
SELECT lease4CountClasses(user_context, 1) FROM lease4 WHERE state = 0 AND user_context <> '';
SELECT lease6CountClasses(user_context, lease_type, 1) FROM lease6
    WHERE state = 0 AND user_context <> '' AND lease_type IS NOT NULL;

-- Limits -------------------------------------------------------------------------------------------------------------

-- Whether a client may have one more lease; the limits are in its context, under "ISC" and "limits". Returns which of
-- them is reached, or an empty text.
CREATE FUNCTION checkLease4Limits(user_context text) RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
    limits  json := json_cast(user_context) #> '{ISC,limits}';
    reached text;
BEGIN
    SELECT format('client class "%s" has %s leases, at most %s are allowed', wanted.name, counted.found, wanted.bound)
        INTO reached
        FROM (SELECT entry ->> 'name' AS name, (entry ->> 'address-limit')::bigint AS bound
                FROM json_array_elements(limits -> 'client-classes') AS entry) AS wanted,
            LATERAL (SELECT coalesce(sum(leases), 0) AS found FROM lease4_stat_by_client_class
                WHERE client_class = wanted.name) AS counted
        WHERE counted.found >= wanted.bound
        LIMIT 1;
    IF reached IS NOT NULL THEN
        RETURN reached;
    END IF;

    SELECT format('subnet %s has %s leases, at most %s are allowed', wanted.id, counted.found, wanted.bound)
        INTO reached
        FROM (SELECT (limits #>> '{subnet,id}')::bigint AS id,
                (limits #>> '{subnet,address-limit}')::bigint AS bound) AS wanted,
            LATERAL (SELECT coalesce(sum(leases), 0) AS found FROM lease4_stat
                WHERE subnet_id = wanted.id AND state = 0) AS counted
        WHERE counted.found >= wanted.bound;
    RETURN coalesce(reached, '');
END
$body$;

-- Addresses are leases of type 0, prefixes those of type 2.
CREATE FUNCTION checkLease6Limits(user_context text) RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
    limits  json := json_cast(user_context) #> '{ISC,limits}';
    reached text;
BEGIN
    SELECT format('client class "%s" has %s leases (%s), at most %s are allowed', wanted.name, counted.found,
            wanted.kind, wanted.bound)
        INTO reached
        FROM (SELECT entry ->> 'name' AS name, kind.name AS kind, kind.lease_type,
                    (entry ->> (kind.name || '-limit'))::bigint AS bound
                FROM json_array_elements(limits -> 'client-classes') AS entry,
                    (VALUES ('address', 0), ('prefix', 2)) AS kind (name, lease_type)) AS wanted,
            LATERAL (SELECT coalesce(sum(leases), 0) AS found FROM lease6_stat_by_client_class
                WHERE client_class = wanted.name AND lease_type = wanted.lease_type) AS counted
        WHERE counted.found >= wanted.bound
        LIMIT 1;
    IF reached IS NOT NULL THEN
        RETURN reached;
    END IF;

    SELECT format('subnet %s has %s leases (%s), at most %s are allowed', wanted.id, counted.found, wanted.kind,
            wanted.bound)
        INTO reached
        FROM (SELECT (limits #>> '{subnet,id}')::bigint AS id, kind.name AS kind, kind.lease_type,
                    (limits -> 'subnet' ->> (kind.name || '-limit'))::bigint AS bound
                FROM (VALUES ('address', 0), ('prefix', 2)) AS kind (name, lease_type)) AS wanted,
            LATERAL (SELECT coalesce(sum(leases), 0) AS found FROM lease6_stat
                WHERE subnet_id = wanted.id AND lease_type = wanted.lease_type AND state = 0) AS counted
        WHERE counted.found >= wanted.bound
        LIMIT 1;
    RETURN coalesce(reached, '');
END
$body$;

-- Lease files --------------------------------------------------------------------------------------------------------

-- Pairs of hexadecimal digits, as lease files have them: 0A0B becomes 0a:0b.
CREATE FUNCTION colonSeparatedHex(hex text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    RETURN rtrim(regexp_replace(lower(hex), '(..)', '\1:', 'g'), ':');
END
$body$;

DROP FUNCTION lease4DumpHeader();
DROP FUNCTION lease4DumpData();
DROP FUNCTION lease6DumpHeader();
DROP FUNCTION lease6DumpData();

CREATE FUNCTION lease4DumpHeader() RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(',', 'address', 'hwaddr', 'client_id', 'valid_lifetime', 'expire', 'subnet_id',
        'fqdn_fwd', 'fqdn_rev', 'hostname', 'state', 'user_context')
$body$;

CREATE FUNCTION lease4DumpData() RETURNS TABLE (
    address inet, hwaddr varchar, client_id varchar, valid_lifetime bigint, expire bigint, subnet_id bigint,
    fqdn_fwd int, fqdn_rev int, hostname varchar, state bigint, user_context varchar
) LANGUAGE sql AS $body$
    SELECT inet '0.0.0.0' + lease.address, colonSeparatedHex(encode(lease.hwaddr, 'hex')),
        colonSeparatedHex(encode(lease.client_id, 'hex')), lease.valid_lifetime,
        extract(epoch FROM lease.expire)::bigint, lease.subnet_id, lease.fqdn_fwd::int, lease.fqdn_rev::int,
        replace(lease.hostname, ',', '&#x2c'), lease.state, replace(lease.user_context, ',', '&#x2c')
    FROM lease4 AS lease ORDER BY lease.address
$body$;

CREATE FUNCTION lease6DumpHeader() RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(',', 'address', 'duid', 'valid_lifetime', 'expire', 'subnet_id', 'pref_lifetime',
        'lease_type', 'iaid', 'prefix_len', 'fqdn_fwd', 'fqdn_rev', 'hostname', 'hwaddr', 'state',
        'user_context', 'hwtype', 'hwaddr_source')
$body$;

CREATE FUNCTION lease6DumpData() RETURNS TABLE (
    address varchar, duid varchar, valid_lifetime bigint, expire bigint, subnet_id bigint, pref_lifetime bigint,
    lease_type smallint, iaid int, prefix_len smallint, fqdn_fwd int, fqdn_rev int, hostname varchar,
    hwaddr varchar, state bigint, user_context varchar, hwtype smallint, hwaddr_source smallint
) LANGUAGE sql AS $body$
    SELECT lease.address, colonSeparatedHex(encode(lease.duid, 'hex')), lease.valid_lifetime,
        extract(epoch FROM lease.expire)::bigint, lease.subnet_id, lease.pref_lifetime, lease.lease_type,
        lease.iaid, lease.prefix_len, lease.fqdn_fwd::int, lease.fqdn_rev::int,
        replace(lease.hostname, ',', '&#x2c'), colonSeparatedHex(encode(lease.hwaddr, 'hex')), lease.state,
        replace(lease.user_context, ',', '&#x2c'), lease.hwtype, lease.hwaddr_source
    FROM lease6 AS lease ORDER BY lease.address
$body$;

-- The reverse: one line of a lease file becomes a row.
CREATE FUNCTION lease4Upload(
    address varchar, hwaddr varchar, client_id varchar, valid_lifetime bigint, expire bigint, subnet_id bigint,
    fqdn_fwd int, fqdn_rev int, hostname varchar, state bigint, user_context varchar
) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO lease4 VALUES (address::inet - inet '0.0.0.0', decode(replace(hwaddr, ':', ''), 'hex'),
        decode(replace(client_id, ':', ''), 'hex'), valid_lifetime, to_timestamp(expire), subnet_id,
        fqdn_fwd <> 0, fqdn_rev <> 0, replace(hostname, '&#x2c', ','), state,
        replace(user_context, '&#x2c', ','));
END
$body$;

CREATE FUNCTION lease6Upload(
    address varchar, duid varchar, valid_lifetime bigint, expire bigint, subnet_id bigint, pref_lifetime bigint,
    lease_type int, iaid int, prefix_len int, fqdn_fwd int, fqdn_rev int, hostname varchar, hwaddr varchar,
    state bigint, user_context varchar, hwtype int, hwaddr_source int
) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO lease6 VALUES (address, decode(replace(duid, ':', ''), 'hex'), valid_lifetime, to_timestamp(expire),
        subnet_id, pref_lifetime, lease_type, iaid, prefix_len, fqdn_fwd <> 0, fqdn_rev <> 0,
        replace(hostname, '&#x2c', ','), state, decode(replace(hwaddr, ':', ''), 'hex'), hwtype, hwaddr_source,
        replace(user_context, '&#x2c', ','));
END
$body$;

UPDATE schema_version SET version = 13, minor = 0;

COMMIT;
