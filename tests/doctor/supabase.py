"""A server with the roles and default privileges of an empty Supabase project."""

from __future__ import annotations

from dataclasses import replace

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.settings import PostgresDSN
from tests.doctor.conftest import run_on

__all__ = ["as_role", "make_project"]

PUBLIC = "IN SCHEMA public GRANT ALL ON"
API = "postgres, anon, authenticated, service_role"

ROLES = (
    # What owns the database and what Supabase keeps in it; nobody else is a superuser.
    "ALTER ROLE postgres RENAME TO supabase_admin",
    "CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS",
    "CREATE ROLE anon NOLOGIN NOINHERIT",
    "CREATE ROLE authenticated NOLOGIN NOINHERIT",
    "CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS",
    "CREATE ROLE authenticator LOGIN NOINHERIT",
    "GRANT anon, authenticated, service_role TO authenticator",
    "ALTER ROLE anon SET statement_timeout = '3s'",
    "ALTER ROLE authenticated SET statement_timeout = '8s'",
    'ALTER ROLE postgres SET search_path TO "$user", public, extensions',
    "GRANT ALL ON DATABASE postgres TO postgres",
)
SCHEMAS = (
    "CREATE SCHEMA extensions",
    "CREATE SCHEMA auth",
    "CREATE TABLE auth.users (id uuid PRIMARY KEY, email text)",
    "CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid'",
    f"GRANT USAGE ON SCHEMA public, extensions, auth TO {API}",
    "GRANT CREATE ON SCHEMA public, extensions TO postgres",
    # Before version 15 everybody may.
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    *(
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} {PUBLIC} {kind} TO {API}"
        for role in ("postgres", "supabase_admin")
        for kind in ("TABLES", "FUNCTIONS", "SEQUENCES")
    ),
)


def as_role(dsn: str, role: str) -> str:
    """Return a DSN of the same database for another role."""
    return replace(PostgresDSN.parse(dsn), user=role).uri()


def make_project(server: EmbeddedServer) -> str:
    """Make a server what an empty project is; return the DSN of its role ``postgres``."""
    dsn = server.dsn()
    run_on(dsn, "CREATE ROLE helper SUPERUSER LOGIN")
    run_on(as_role(dsn, "helper"), *ROLES)
    run_on(as_role(dsn, "supabase_admin"), *SCHEMAS, "DROP ROLE helper")
    return dsn
