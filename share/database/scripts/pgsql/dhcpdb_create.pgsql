-- Leases and host reservations of DHCPv4 and DHCPv6 in PostgreSQL: version 3.0 of Kea's tables.
--
-- Later versions are reached by the steps beside this file (upgrade_*.pgsql); `kea-admin db-init pgsql` runs all of
-- them. By hand: create a database, then `psql -d DATABASE -f dhcpdb_create.pgsql`.
--
-- IPv4 addresses are numbers in host order, IPv6 addresses texts in canonical form.

BEGIN;

-- Meanings of numbers ------------------------------------------------------------------------------------------------

CREATE TABLE lease6_types (
    lease_type SMALLINT NOT NULL PRIMARY KEY,
    name       VARCHAR(5)
);
INSERT INTO lease6_types (lease_type, name) VALUES (0, 'IA_NA'), (1, 'IA_TA'), (2, 'IA_PD');

CREATE TABLE lease_state (
    state BIGINT      NOT NULL PRIMARY KEY,
    name  VARCHAR(64) NOT NULL
);
INSERT INTO lease_state (state, name) VALUES (0, 'default'), (1, 'declined'), (2, 'expired-reclaimed');

-- Where the server has learned the hardware address of a DHCPv6 client.
CREATE TABLE lease_hwaddr_source (
    hwaddr_source INT NOT NULL PRIMARY KEY,
    name          VARCHAR(40) DEFAULT NULL
);
INSERT INTO lease_hwaddr_source (hwaddr_source, name) VALUES
    (0, 'HWADDR_SOURCE_UNKNOWN'),
    (1, 'HWADDR_SOURCE_RAW'),
    (2, 'HWADDR_SOURCE_IPV6_LINK_LOCAL'),
    (4, 'HWADDR_SOURCE_DUID'),
    (8, 'HWADDR_SOURCE_CLIENT_ADDR_RELAY_OPTION'),
    (16, 'HWADDR_SOURCE_REMOTE_ID'),
    (32, 'HWADDR_SOURCE_SUBSCRIBER_ID'),
    (64, 'HWADDR_SOURCE_DOCSIS_CMTS'),
    (128, 'HWADDR_SOURCE_DOCSIS_MODEM');

CREATE TABLE host_identifier_type (
    type SMALLINT NOT NULL PRIMARY KEY,
    name VARCHAR(32) DEFAULT NULL
);
INSERT INTO host_identifier_type (type, name) VALUES
    (0, 'hw-address'), (1, 'duid'), (2, 'circuit-id'), (3, 'client-id');

CREATE TABLE dhcp_option_scope (
    scope_id   SMALLINT NOT NULL PRIMARY KEY,
    scope_name VARCHAR(32) DEFAULT NULL
);
INSERT INTO dhcp_option_scope (scope_id, scope_name) VALUES
    (0, 'global'), (1, 'subnet'), (2, 'client-class'), (3, 'host');

-- Leases -------------------------------------------------------------------------------------------------------------

CREATE TABLE lease4 (
    address        BIGINT NOT NULL PRIMARY KEY,
    hwaddr         BYTEA,
    client_id      BYTEA,
    valid_lifetime BIGINT,
    expire         TIMESTAMP WITH TIME ZONE,
    subnet_id      BIGINT,
    fqdn_fwd       BOOLEAN,
    fqdn_rev       BOOLEAN,
    hostname       VARCHAR(255),
    state          BIGINT DEFAULT 0,
    CONSTRAINT fk_lease4_state FOREIGN KEY (state) REFERENCES lease_state (state)
);
CREATE INDEX lease4_by_hwaddr_subnet_id ON lease4 (hwaddr, subnet_id);
CREATE INDEX lease4_by_client_id_subnet_id ON lease4 (client_id, subnet_id);
CREATE INDEX lease4_by_state_expire ON lease4 (state, expire);

-- The IAID, a number of 32 bits, is kept as a signed one.
CREATE TABLE lease6 (
    address        VARCHAR(39) NOT NULL PRIMARY KEY,
    duid           BYTEA,
    valid_lifetime BIGINT,
    expire         TIMESTAMP WITH TIME ZONE,
    subnet_id      BIGINT,
    pref_lifetime  BIGINT,
    lease_type     SMALLINT,
    iaid           INT,
    prefix_len     SMALLINT,
    fqdn_fwd       BOOLEAN,
    fqdn_rev       BOOLEAN,
    hostname       VARCHAR(255),
    state          BIGINT DEFAULT 0,
    hwaddr         BYTEA,
    hwtype         SMALLINT,
    hwaddr_source  SMALLINT,
    CONSTRAINT fk_lease6_state FOREIGN KEY (state) REFERENCES lease_state (state),
    CONSTRAINT fk_lease6_type FOREIGN KEY (lease_type) REFERENCES lease6_types (lease_type)
);
CREATE INDEX lease6_by_iaid_subnet_id_duid ON lease6 (iaid, subnet_id, duid);
CREATE INDEX lease6_by_state_expire ON lease6 (state, expire);

-- Hosts --------------------------------------------------------------------------------------------------------------

CREATE TABLE hosts (
    host_id               SERIAL PRIMARY KEY,
    dhcp_identifier       BYTEA    NOT NULL,
    dhcp_identifier_type  SMALLINT NOT NULL,
    dhcp4_subnet_id       INT,
    dhcp6_subnet_id       INT,
    ipv4_address          BIGINT,
    hostname              VARCHAR(255) DEFAULT NULL,
    dhcp4_client_classes  VARCHAR(255) DEFAULT NULL,
    dhcp6_client_classes  VARCHAR(255) DEFAULT NULL,
    dhcp4_next_server     BIGINT,
    dhcp4_server_hostname VARCHAR(64) DEFAULT NULL,
    dhcp4_boot_file_name  VARCHAR(128) DEFAULT NULL,
    CONSTRAINT key_dhcp4_identifier_subnet_id
        UNIQUE (dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id),
    CONSTRAINT key_dhcp6_identifier_subnet_id
        UNIQUE (dhcp_identifier, dhcp_identifier_type, dhcp6_subnet_id),
    CONSTRAINT key_dhcp4_ipv4_address_subnet_id UNIQUE (ipv4_address, dhcp4_subnet_id),
    CONSTRAINT fk_host_identifier_type FOREIGN KEY (dhcp_identifier_type)
        REFERENCES host_identifier_type (type) ON DELETE CASCADE
);
CREATE INDEX fk_host_identifier_type ON hosts (dhcp_identifier_type);

-- Addresses (type 0) and prefixes (type 2) that a host has.
CREATE TABLE ipv6_reservations (
    reservation_id SERIAL PRIMARY KEY,
    address        VARCHAR(39) NOT NULL,
    prefix_len     SMALLINT    NOT NULL DEFAULT '128',
    type           SMALLINT    NOT NULL DEFAULT '0',
    dhcp6_iaid     INT,
    host_id        INT         NOT NULL,
    CONSTRAINT key_dhcp6_address_prefix_len UNIQUE (address, prefix_len),
    CONSTRAINT fk_ipv6_reservations_host FOREIGN KEY (host_id) REFERENCES hosts (host_id) ON DELETE CASCADE
);
CREATE INDEX fk_ipv6_reservations_host_idx ON ipv6_reservations (host_id);

CREATE TABLE dhcp4_options (
    option_id         SERIAL PRIMARY KEY,
    code              SMALLINT NOT NULL,
    value             BYTEA,
    formatted_value   TEXT,
    space             VARCHAR(128) DEFAULT NULL,
    persistent        BOOLEAN  NOT NULL DEFAULT 'f',
    dhcp_client_class VARCHAR(128) DEFAULT NULL,
    dhcp4_subnet_id   BIGINT,
    host_id           INT,
    scope_id          SMALLINT NOT NULL,
    CONSTRAINT fk_options_host1 FOREIGN KEY (host_id) REFERENCES hosts (host_id) ON DELETE CASCADE,
    CONSTRAINT fk_dhcp4_option_scode FOREIGN KEY (scope_id)
        REFERENCES dhcp_option_scope (scope_id) ON DELETE CASCADE
);
CREATE INDEX fk_dhcp4_options_host1_idx ON dhcp4_options (host_id);
CREATE INDEX fk_dhcp4_options_scope_idx ON dhcp4_options (scope_id);

CREATE TABLE dhcp6_options (
    option_id         SERIAL PRIMARY KEY,
    code              INT NOT NULL,
    value             BYTEA,
    formatted_value   TEXT,
    space             VARCHAR(128) DEFAULT NULL,
    persistent        BOOLEAN  NOT NULL DEFAULT 'f',
    dhcp_client_class VARCHAR(128) DEFAULT NULL,
    dhcp6_subnet_id   BIGINT,
    host_id           INT,
    scope_id          SMALLINT NOT NULL,
    CONSTRAINT fk_options_host10 FOREIGN KEY (host_id) REFERENCES hosts (host_id) ON DELETE CASCADE,
    CONSTRAINT fk_dhcp6_option_scode FOREIGN KEY (scope_id)
        REFERENCES dhcp_option_scope (scope_id) ON DELETE CASCADE
);
CREATE INDEX fk_dhcp6_options_host1_idx ON dhcp6_options (host_id);
CREATE INDEX fk_dhcp6_options_scope_idx ON dhcp6_options (scope_id);

-- Functions ----------------------------------------------------------------------------------------------------------

-- Leases as lines of text, for people: a header, and the rows in the order of addresses.
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
        'lease_type', 'iaid', 'prefix_len', 'fqdn_fwd', 'fqdn_rev', 'hostname', 'state', 'hwaddr', 'hwtype',
        'hwaddr_source')
$body$;

CREATE FUNCTION lease6DumpData() RETURNS TABLE (
    address text, duid text, valid_lifetime bigint, expire timestamp with time zone, subnet_id bigint,
    pref_lifetime bigint, name text, iaid int, prefix_len smallint, fqdn_fwd int, fqdn_rev int,
    hostname text, state text, hwaddr text, hwtype smallint, hwaddr_source text
) LANGUAGE sql AS $body$
    SELECT lease.address, encode(lease.duid, 'hex'), lease.valid_lifetime, lease.expire, lease.subnet_id,
        lease.pref_lifetime, kind.name, lease.iaid, lease.prefix_len, lease.fqdn_fwd::int,
        lease.fqdn_rev::int, lease.hostname, known.name, encode(lease.hwaddr, 'hex'), lease.hwtype,
        source.name
    FROM lease6 AS lease
        LEFT JOIN lease6_types AS kind ON kind.lease_type = lease.lease_type
        LEFT JOIN lease_state AS known ON known.state = lease.state
        LEFT JOIN lease_hwaddr_source AS source ON source.hwaddr_source = lease.hwaddr_source
    ORDER BY lease.address
$body$;

-- Version ------------------------------------------------------------------------------------------------------------

CREATE TABLE schema_version (
    version INT NOT NULL PRIMARY KEY,
    minor   INT
);
INSERT INTO schema_version (version, minor) VALUES (3, 0);

COMMIT;
