//! Leases and hosts in PostgreSQL.
