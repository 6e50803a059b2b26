//! Leases and hosts in MySQL and MariaDB.
