"""Variables, the files that they name, and what a DSN tells before anybody connects."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.doctor.findings import CHECKS, Finding
from aragora_sql.doctor.servers import IPV6_ONLY, check_dsn, check_tls, kind_of, why_unreachable
from aragora_sql.doctor.variables import check_files, check_variables
from aragora_sql.errors import DatabaseUnavailableError
from aragora_sql.queries.files import packaged_sql_dir, read_sql
from aragora_sql.settings import VARIABLES, PostgresDSN

DIRECT = "postgresql://postgres:geheim-5@db.abcdefgh.supabase.co:5432/postgres"
SHARED = "postgresql://postgres.abcdefgh:geheim-5@aws-0-eu-central-1.pooler.supabase.com"


def seen(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.severity, one.seen) for one in findings]


# Variables


def test_every_variable_that_the_package_reads_is_known() -> None:
    """Add a new one to VARIABLES of settings.py: `doctor` would call it unknown."""
    package = Path(aragora_sql.__file__).parent
    read = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r'"(ARAGORA_[A-Z_]*[A-Z])"', path.read_text(encoding="utf-8"))
    }
    assert len(read) > 10
    assert read <= set(VARIABLES)


def test_variables_that_can_be_used_are_named() -> None:
    env = {"DATABASE_URL": DIRECT, "ARAGORA_ENV": "production", "HOME": "/root"}
    (found,) = check_variables(env)
    assert (found.severity, found.seen) == ("ok", "set: DATABASE_URL, ARAGORA_ENV")
    assert check_variables({})[0].seen == "none is set"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"ARAGORA_DB_BACKEND": "mysql"}, "ARAGORA_DB_BACKEND: 'mysql' is not known"),
        ({"ARAGORA_DB_BACKEND": "postgres"}, "PostgreSQL DSN not configured"),
        ({"DATABASE_URL": "mysql://u@h/d"}, "DATABASE_URL: not a PostgreSQL connection URI"),
        ({"ARAGORA_POSTGRES_POOL_MAX": "many"}, "ARAGORA_POSTGRES_POOL_MAX: 'many'"),
        ({"ARAGORA_POSTGRES_POOL_MIN": "30"}, "ARAGORA_POSTGRES_POOL_MIN is 30, more than"),
        ({"ARAGORA_ENV": "production"}, "stores would be in a SQLite file"),
        ({"ARAGORA_INSTANCES": "0"}, "ARAGORA_INSTANCES: '0' is not a whole number from 1 up"),
        ({"ARAGORA_SUPABASE_PLAN": "gold"}, "ARAGORA_SUPABASE_PLAN: 'gold' is not known"),
    ],
)
def test_a_variable_that_cannot_be_used_is_an_error(env: dict[str, str], said: str) -> None:
    (found,) = check_variables(env)
    assert (found.check, found.severity, found.kind) == ("variables", "error", "configuration")
    assert said in found.seen
    assert found.action


def test_one_wrong_variable_hides_no_other() -> None:
    env = {"ARAGORA_DB_BACKEND": "mysql", "ARAGORA_INSTANCES": "two", "ARAGORA_DB_POOL_SIZE": "x"}
    assert [one.seen.split(":")[0] for one in check_variables(env)] == [
        "ARAGORA_DB_BACKEND",
        "ARAGORA_DB_POOL_SIZE",
        "ARAGORA_INSTANCES",
    ]


def test_an_unknown_variable_names_the_one_that_it_is_near_to() -> None:
    near, far = check_variables({"ARAGORA_DB_POOLSIZE": "5", "ARAGORA_WEBHOOK_COLOUR": "red"})
    assert (near.severity, near.action) == ("warning", "is ARAGORA_DB_POOL_SIZE meant?")
    assert "ARAGORA_DB_POOLSIZE" in near.seen
    assert "ARAGORA_WEBHOOK_COLOUR" in far.seen
    assert "meant" not in far.action


def test_of_two_that_differ_the_one_that_counts_is_named() -> None:
    (found,) = check_variables({"DATABASE_URL": DIRECT, "ARAGORA_POSTGRES_DSN": SHARED})
    assert (found.severity, found.action) == ("warning", "unset ARAGORA_POSTGRES_DSN")
    assert "geheim" not in found.seen


def test_a_common_name_that_nobody_reads_is_told() -> None:
    (found,) = check_variables({"POSTGRES_URL": DIRECT})
    assert (found.severity, found.action) == ("warning", "name it DATABASE_URL")


def test_a_tree_that_is_none_is_an_error(tmp_path: Path) -> None:
    (found,) = check_files({"ARAGORA_SQL_DIR": str(tmp_path)}, None)
    assert (found.check, found.severity) == ("files", "error")
    assert "is not a tree of SQL files" in found.seen


def test_a_tree_whose_versions_differ_is_an_error(tmp_path: Path) -> None:
    tree = tmp_path / "sql"
    shutil.copytree(packaged_sql_dir(), tree, ignore=shutil.ignore_patterns("answers", "plans"))
    assert [one.severity for one in check_files({"ARAGORA_SQL_DIR": str(tree)}, None)] == ["ok"]
    path = tree / "sqlite" / "critique" / "schema.sql"
    path.write_text(read_sql(path).replace("VALUES ('critique', ", "VALUES ('critique', 9"))
    (found,) = check_files({"ARAGORA_SQL_DIR": str(tree)}, None)
    assert (found.severity, found.kind) == ("error", "configuration")
    assert str(path) in found.seen


def test_older_files_that_nobody_reads_are_told_of(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "agora_memory.db")) as connection, connection:
        connection.execute("CREATE TABLE debates (id)")
        connection.execute("INSERT INTO debates VALUES (1)")
    (found,) = check_files({}, tmp_path / "aragora.db")
    assert found.severity == "warning"
    assert "agora_memory.db" in found.seen


# The DSN


@pytest.mark.parametrize(
    ("dsn", "kind"),
    [
        (DIRECT, "Supabase direct"),
        (DIRECT.replace(":5432", ""), "Supabase direct"),
        (DIRECT.replace("5432", "6543"), "Supabase transaction pooler"),
        (f"{SHARED}:5432/postgres", "Supabase session pooler"),
        (f"{SHARED}:6543/postgres", "Supabase transaction pooler"),
        ("postgresql://u@shop.cx7a.eu-west-1.rds.amazonaws.com/shop", "RDS"),
        ("postgresql://u@shop.proxy-cx7a.eu-west-1.rds.amazonaws.com/shop", "RDS Proxy"),
        ("postgresql://u@pool.example.org/shop?pgbouncer=true", "transaction pooler"),
        ("postgresql://u@pool.example.org:6543/shop", "transaction pooler"),
        ("postgresql://u@db.example.org/shop", "plain"),
        ("postgresql:///shop?host=/run/postgresql", "plain"),
        ("postgresql://u@[::1]:5432/shop", "plain"),
    ],
)
def test_the_kind_of_a_server(dsn: str, kind: str) -> None:
    assert kind_of(PostgresDSN.parse(dsn)) == kind


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        (
            f"{SHARED}:6543/postgres".replace("postgres.abcdefgh", "postgres"),
            "finds the project by the user name",
        ),
        (DIRECT.replace("//postgres:", "//postgres.abcdefgh:"), "that of the shared pooler"),
        (f"{SHARED}:5433/postgres", "port 5433 of aws-0"),
        (DIRECT.replace("geheim-5", "%5BYOUR-PASSWORD%5D"), "looks like a placeholder"),
        (DIRECT.removesuffix("/postgres"), "names no database"),
        ("postgresql://u@shop.proxy-cx7a.eu-west-1.rds.amazonaws.com/shop", "pools nothing"),
    ],
)
def test_what_does_not_fit_in_a_dsn(dsn: str, said: str) -> None:
    (found,) = check_dsn(PostgresDSN.parse(dsn))
    assert found.severity in {"warning", "error"}
    assert said in found.seen
    assert found.action
    assert "geheim" not in str(found)


def test_a_dsn_that_fits_is_shown_without_its_password() -> None:
    (found,) = check_dsn(PostgresDSN.parse(DIRECT))
    assert (found.severity, found.seen) == (
        "ok",
        "Supabase direct: postgresql://postgres:***@db.abcdefgh.supabase.co:5432/postgres",
    )


@pytest.mark.parametrize(
    ("dsn", "is_encrypted", "severity", "said"),
    [
        (f"{DIRECT}?sslmode=disable", None, "error", "in the clear"),
        (DIRECT, None, "warning", "perhaps encrypted"),
        (DIRECT, True, "warning", "encrypted now, TLSv1.3"),
        (f"{DIRECT}?sslmode=allow", False, "error", "not encrypted"),
        (f"{DIRECT}?sslmode=require", True, "ok", "sslmode=require, TLSv1.3: encrypted"),
        (f"{DIRECT}?sslmode=verify-full", None, "ok", "the certificate is looked at"),
        ("postgresql://u@localhost/d", None, "ok", "stays on this machine"),
        ("postgresql:///d?host=/run/postgresql", None, "ok", "stays on this machine"),
        ("postgresql://u@127.0.0.1,db.example.org/d", None, "warning", "perhaps encrypted"),
    ],
)
def test_tls(dsn: str, is_encrypted: bool | None, severity: str, said: str) -> None:
    version = "TLSv1.3" if is_encrypted else None
    (found,) = check_tls(PostgresDSN.parse(dsn), is_encrypted=is_encrypted, version=version)
    assert found.severity == severity
    assert said in found.seen
    assert bool(found.action) == (severity != "ok")


# Why a server can't be reached


def refused(cause: BaseException) -> DatabaseUnavailableError:
    error = DatabaseUnavailableError(f"cannot connect: {cause}")
    error.__cause__ = cause
    return error


def test_a_direct_host_that_has_no_ipv4_address_is_explained() -> None:
    dsn = PostgresDSN.parse(DIRECT)
    problem = refused(OSError(101, "Network is unreachable"))
    assert why_unreachable(dsn, problem, lambda _: ["2a05:d018::1"]) == IPV6_ONLY
    assert "session pooler" in IPV6_ONLY
    assert "IPv4 add-on" in IPV6_ONLY

    def unknown(_: str) -> list[str]:
        raise OSError("Name or service not known")

    assert IPV6_ONLY in why_unreachable(dsn, problem, unknown)
    # Where the add-on is, something else is wrong.
    slow = refused(TimeoutError("no answer within the connect timeout"))
    assert "security group" in why_unreachable(dsn, slow, lambda _: ["3.120.0.1"])


@pytest.mark.parametrize(
    ("said", "action"),
    [
        ("Tenant or user not found", "copy host and user"),
        ("(ENOTFOUND) tenant/user postgres.x not found", "copy host and user"),
        ("MaxClientsInSessionMode: max clients reached", "make pools smaller"),
        ("sorry, too many clients already", "make pools smaller"),
        ('no pg_hba.conf entry for host "1.2.3.4", user "u", no encryption', "sslmode=require"),
        ("rejected SSL upgrade", "the server has no TLS"),
        ('password authentication failed for user "u"', "percent-encode"),
        ('database "shop" does not exist', "name a database that is there"),
        ("something else", "does the server run"),
    ],
)
def test_what_a_server_says_leads_to_what_is_to_be_done(said: str, action: str) -> None:
    dsn = PostgresDSN.parse("postgresql://u@db.example.org/shop")
    assert action in why_unreachable(dsn, refused(Exception(said)))


# The docs


def test_every_check_has_a_paragraph_in_the_docs() -> None:
    page = packaged_sql_dir().parent / "docs" / "doctor.md"
    text = page.read_text(encoding="utf-8")
    parts = re.split(r"^### `([\w-]+)`$", text, flags=re.MULTILINE)
    assert parts[1::2] == list(CHECKS)
    for name, paragraph in zip(parts[1::2], parts[2::2], strict=True):
        assert len(paragraph.split()) >= 20, name
