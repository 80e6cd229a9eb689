"""A cluster that fails over: real PostgreSQL under Patroni, etcd, HAProxy and PgBouncer."""
