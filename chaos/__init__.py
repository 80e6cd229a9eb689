"""A cluster of PostgreSQL under Patroni on this machine, what can happen to it, and what is lost.

The members, etcd, HAProxy and PgBouncer are real processes, started from the files of
``deploy/ha``. ``make chaos`` runs applications on it while primaries are killed, frozen, cut off
and switched over.
"""
