-- 3.3 to 4.0: user contexts of hosts and options; tables that count leases, kept by triggers.

BEGIN;

ALTER TABLE hosts ADD COLUMN user_context TEXT;
ALTER TABLE dhcp4_options ADD COLUMN user_context TEXT;
ALTER TABLE dhcp6_options ADD COLUMN user_context TEXT;

CREATE INDEX lease4_by_subnet_id ON lease4 (subnet_id);
DROP INDEX lease6_by_iaid_subnet_id_duid;
CREATE INDEX lease6_by_subnet_id_lease_type ON lease6 (subnet_id, lease_type);
CREATE INDEX lease6_by_duid_iaid_subnet_id ON lease6 (duid, iaid, subnet_id);

-- Numbers of leases that are assigned (state 0) and declined (state 1).
CREATE TABLE lease4_stat (
    subnet_id BIGINT NOT NULL,
    state     BIGINT NOT NULL,
    leases    BIGINT,
    PRIMARY KEY (subnet_id, state)
);
INSERT INTO lease4_stat (subnet_id, state, leases)
    SELECT subnet_id, state, count(*) FROM lease4
    WHERE state IN (0, 1) AND subnet_id IS NOT NULL
    GROUP BY subnet_id, state;

CREATE TABLE lease6_stat (
    subnet_id  BIGINT   NOT NULL,
    lease_type SMALLINT NOT NULL,
    state      BIGINT   NOT NULL,
    leases     BIGINT,
    PRIMARY KEY (subnet_id, lease_type, state)
);
INSERT INTO lease6_stat (subnet_id, lease_type, state, leases)
    SELECT subnet_id, lease_type, state, count(*) FROM lease6
    WHERE state IN (0, 1) AND subnet_id IS NOT NULL AND lease_type IS NOT NULL
    GROUP BY subnet_id, lease_type, state;

CREATE FUNCTION proc_stat_lease4_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.state IN (0, 1) AND NEW.subnet_id IS NOT NULL THEN
        INSERT INTO lease4_stat AS counted (subnet_id, state, leases) VALUES (NEW.subnet_id, NEW.state, 1)
            ON CONFLICT (subnet_id, state) DO UPDATE SET leases = counted.leases + 1;
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION proc_stat_lease4_update() RETURNS trigger LANGUAGE plpgsql AS $body$
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
    RETURN NULL;
END
$body$;

CREATE FUNCTION proc_stat_lease4_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.state IN (0, 1) THEN
        UPDATE lease4_stat SET leases = leases - 1
            WHERE subnet_id = OLD.subnet_id AND state = OLD.state AND leases > 0;
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION proc_stat_lease6_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.state IN (0, 1) AND NEW.subnet_id IS NOT NULL AND NEW.lease_type IS NOT NULL THEN
        INSERT INTO lease6_stat AS counted (subnet_id, lease_type, state, leases)
            VALUES (NEW.subnet_id, NEW.lease_type, NEW.state, 1)
            ON CONFLICT (subnet_id, lease_type, state) DO UPDATE SET leases = counted.leases + 1;
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION proc_stat_lease6_update() RETURNS trigger LANGUAGE plpgsql AS $body$
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
    RETURN NULL;
END
$body$;

CREATE FUNCTION proc_stat_lease6_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.state IN (0, 1) THEN
        UPDATE lease6_stat SET leases = leases - 1
            WHERE subnet_id = OLD.subnet_id AND lease_type = OLD.lease_type AND state = OLD.state
                AND leases > 0;
    END IF;
    RETURN NULL;
END
$body$;

CREATE TRIGGER stat_lease4_insert AFTER INSERT ON lease4
    FOR EACH ROW EXECUTE PROCEDURE proc_stat_lease4_insert();
CREATE TRIGGER stat_lease4_update AFTER UPDATE ON lease4
    FOR EACH ROW EXECUTE PROCEDURE proc_stat_lease4_update();
CREATE TRIGGER stat_lease4_delete AFTER DELETE ON lease4
    FOR EACH ROW EXECUTE PROCEDURE proc_stat_lease4_delete();
CREATE TRIGGER stat_lease6_insert AFTER INSERT ON lease6
    FOR EACH ROW EXECUTE PROCEDURE proc_stat_lease6_insert();
CREATE TRIGGER stat_lease6_update AFTER UPDATE ON lease6
    FOR EACH ROW EXECUTE PROCEDURE proc_stat_lease6_update();
CREATE TRIGGER stat_lease6_delete AFTER DELETE ON lease6
    FOR EACH ROW EXECUTE PROCEDURE proc_stat_lease6_delete();

UPDATE schema_version SET version = 4, minor = 0;

COMMIT;
