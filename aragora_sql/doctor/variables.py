"""The environment: what each variable says, and names that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.errors import AragoraSQLError, SecretStoreUnavailableError
from aragora_sql.older_files import older_files_with_data
from aragora_sql.queries.files import check_tree
from aragora_sql.schema.files import check_versions
from aragora_sql.settings import (
    VARIABLES,
    Settings,
    dsn_from_env,
    dsn_variable,
    instances,
    pool_sizes,
    replicas_from_env,
    supabase_plan,
)

__all__ = ["check_files", "check_variables"]

# Of two that name the same, the first one counts.
_PAIRS = (
    ("DATABASE_URL", "ARAGORA_POSTGRES_DSN"),
    ("ARAGORA_POSTGRES_POOL_MAX", "ARAGORA_DB_POOL_SIZE"),
)
_OURS = "ARAGORA_"
_STORE_AWAY = "see that the secret store can be reached, or set the variables in the environment"
# Names that others of the family give their variables, and that mean one of ours.
_MEANT = {"POSTGRES_URL": "DATABASE_URL", "POSTGRES_DSN": "DATABASE_URL"}


def check_variables(env: Mapping[str, str]) -> list[Finding]:
    """Look at each variable that this package reads, and for names that are near to one."""
    findings: list[Finding] = []
    for read in _readers(env):
        try:
            read()
        except AragoraSQLError as problem:
            text = str(problem)
            if any(text == one.seen for one in findings):
                continue
            if isinstance(problem, SecretStoreUnavailableError):
                findings.append(error("variables", text, _STORE_AWAY, "connection"))
            else:
                findings.append(
                    error("variables", text, "set the variable as it says", "configuration")
                )
    for first, second in _PAIRS:
        one, other = env.get(first, "").strip(), env.get(second, "").strip()
        if one and other and one != other:
            findings.append(
                warning(
                    "variables",
                    f"{first} and {second} are both set, and differ: {first} counts",
                    f"unset {second}",
                )
            )
    findings += [_unknown(name) for name in sorted(env) if _is_unknown(name)]
    for name, meant in _MEANT.items():
        if env.get(name, "").strip() and not env.get(meant, "").strip():
            findings.append(
                warning("variables", f"{name} is set, and not read", f"name it {meant}")
            )
    if not findings:
        told = [name for name in VARIABLES if env.get(name, "").strip()]
        findings.append(ok("variables", f"set: {', '.join(told)}" if told else "none is set"))
    return findings


def _readers(env: Mapping[str, str]) -> tuple[Callable[[], object], ...]:
    """Return what reads the variables, each by itself, so that one mistake hides no other."""
    return (
        lambda: Settings.from_env(env),
        lambda: pool_sizes(env),
        lambda: instances(env),
        lambda: supabase_plan(env),
        lambda: _replicas(env),
    )


def _replicas(env: Mapping[str, str]) -> None:
    dsn = dsn_from_env(env) if dsn_variable(env) is not None else None
    if dsn is not None:
        replicas_from_env(dsn, env)


def _is_unknown(name: str) -> bool:
    return name.startswith(_OURS) and name not in VARIABLES


def _unknown(name: str) -> Finding:
    near = get_close_matches(name, VARIABLES, n=1, cutoff=0.8)
    return warning(
        "variables",
        f"{name} is set, and nothing reads a variable of this name",
        f"is {near[0]} meant?" if near else "unset it, or leave it to the program that reads it",
    )


def check_files(env: Mapping[str, str], sqlite_path: Path | None) -> list[Finding]:
    """Look at the tree of SQL files, and for files that a new SQLite file would hide.

    ``sqlite_path`` is the SQLite file in use, None on PostgreSQL.
    """
    findings: list[Finding] = []
    chosen = env.get("ARAGORA_SQL_DIR", "").strip()
    if chosen:
        root = Path(chosen).expanduser().absolute()
        try:
            check_tree(root, "ARAGORA_SQL_DIR")
            problems = [
                one for dialect in ("postgres", "sqlite") for one in check_versions(dialect, root)
            ]
        except AragoraSQLError as problem:
            findings.append(
                error("files", str(problem), "name a copy of the tree", "configuration")
            )
        else:
            findings += [
                error("files", str(one), "aragora-sql check tells more", "configuration")
                for one in problems
            ]
    if sqlite_path is not None and not sqlite_path.exists():
        older = older_files_with_data(sqlite_path)
        if older:
            findings.append(
                warning(
                    "files",
                    f"{sqlite_path} is not there, and older files beside it hold data: "
                    + ", ".join(path.name for path in older[:5]),
                    "aragora-sql migrate moves what is in them; stores do not read them",
                )
            )
    tree = f"SQL files of {chosen}" if chosen else "the SQL files of the package"
    return findings or [ok("files", tree)]
