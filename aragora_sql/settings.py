"""The environment, read once into :class:`Settings`.

=============================  =====================================================================
variable                       meaning
=============================  =====================================================================
``DATABASE_URL``               PostgreSQL DSN
``ARAGORA_POSTGRES_DSN``       PostgreSQL DSN, used when ``DATABASE_URL`` is not set
``ARAGORA_POSTGRES_REPLICAS``  DSNs of servers that reads may go to, with commas between them; each
                               host of a DSN is one (older name:
                               ``ARAGORA_POSTGRES_REPLICA_DSNS``)
``ARAGORA_REPLICA_MAX_LAG``    how old the data of such a server may be, in seconds (default 10)
``ARAGORA_POSTGRES_PRIMARY``   older name of ``DATABASE_URL``, as is
                               ``ARAGORA_POSTGRES_PRIMARY_DSN``
``ARAGORA_DB_BACKEND``         ``sqlite``, ``postgres`` or ``postgresql``; unset: PostgreSQL when a
                               DSN is set, else SQLite
``ARAGORA_POSTGRES_POOL_MIN``  connections that a pool keeps open (default 5, at most the maximum)
``ARAGORA_POSTGRES_POOL_MAX``  most connections of a pool (default: ``ARAGORA_DB_POOL_SIZE``)
``ARAGORA_DB_POOL_SIZE``       most connections of a pool (default 20)
``ARAGORA_DATA_DIR``           folder of the SQLite file ``aragora.db`` (default ``.nomic``)
``ARAGORA_SECRETS``            where secrets are that the environment does not have, such as
                               ``aws-ssm:/aragora/prod/`` (:mod:`aragora_sql.secret_store`)
``ARAGORA_SQL_DIR``            a copy of the ``sql/`` tree to use instead of the packaged one
``ARAGORA_ENV``                ``production``, ``prod`` or ``live``: SQLite is refused, unless
                               ``ARAGORA_ALLOW_SQLITE_FALLBACK`` is ``true``
``ARAGORA_ADMIN_TOKEN``        what the admin routes of the health server ask for; unset: they are
                               refused
``ARAGORA_DECISION_…``         limits of results of decisions
                               (:mod:`aragora_sql.stores.decisions.limits`)
``DEBATE_ORIGIN_TTL``          seconds that the origin of a debate is kept (default 86400)
``ARAGORA_TRACING``            ``true``: commands report what they do to OpenTelemetry
``ARAGORA_INSTANCES``          processes with a pool of their own, which ``doctor`` adds up
                               (default 1)
``ARAGORA_SUPABASE_PLAN``      ``free``, ``pro``, ``team`` or ``enterprise``, whose limits
                               ``doctor`` knows
=============================  =====================================================================

An empty variable counts as not set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import ConfigurationError, DSNNotConfiguredError
from aragora_sql.secret_store import (
    DSN_NAMES,
    OLDER_DSN_NAMES,
    label,
    refuse_missing,
    with_secrets,
)

__all__ = [
    "DEFAULT_POOL_MAX",
    "DEFAULT_POOL_MIN",
    "DEFAULT_REPLICA_MAX_LAG",
    "SUPABASE_PLANS",
    "VARIABLES",
    "PostgresDSN",
    "ReplicaSettings",
    "Settings",
]

Backend = Literal["postgres", "sqlite"]

DEFAULT_POOL_MIN = 5
DEFAULT_POOL_MAX = 20
DEFAULT_REPLICA_MAX_LAG = 10.0
DEFAULT_DATA_DIR = ".nomic"
SQLITE_FILE_NAME = "aragora.db"
SHORTEST_TOKEN = 16

SUPABASE_PLANS = ("free", "pro", "team", "enterprise")

# Every variable that some part of this package reads.
VARIABLES = (
    "DATABASE_URL",
    "ARAGORA_POSTGRES_DSN",
    "ARAGORA_POSTGRES_PRIMARY",
    "ARAGORA_POSTGRES_PRIMARY_DSN",
    "ARAGORA_POSTGRES_REPLICAS",
    "ARAGORA_POSTGRES_REPLICA_DSNS",
    "ARAGORA_REPLICA_MAX_LAG",
    "ARAGORA_DB_BACKEND",
    "ARAGORA_POSTGRES_POOL_MIN",
    "ARAGORA_POSTGRES_POOL_MAX",
    "ARAGORA_DB_POOL_SIZE",
    "ARAGORA_DATA_DIR",
    "ARAGORA_SQL_DIR",
    "ARAGORA_ENV",
    "ARAGORA_ALLOW_SQLITE_FALLBACK",
    "ARAGORA_INSTANCES",
    "ARAGORA_SUPABASE_PLAN",
    "ARAGORA_ENCRYPTION_KEY",
    "ARAGORA_ENCRYPTION_KEYS_OLD",
    "ARAGORA_AUDIT_SIGNING_KEY",
    "ARAGORA_AUDIT_SIGNING_KEYS_OLD",
    "ARAGORA_RECEIPT_SIGNING_KEY",
    "ARAGORA_RECEIPT_SIGNING_KEYS_OLD",
    "ARAGORA_RECEIPT_RETENTION_DAYS",
    "ARAGORA_INBOX_ACTIVITY_RETENTION_DAYS",
    "ARAGORA_DECISION_RETENTION_DAYS",
    "ARAGORA_DECISION_MAX_ENTRIES",
    "ARAGORA_SECRET_NAMES",
    "ARAGORA_ADMIN_TOKEN",
    "ARAGORA_SECRETS",
    "ARAGORA_TRACING",
    "ARAGORA_TEST_POSTGRES_DSN",
)

_BACKENDS: dict[str, Backend] = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
}
_PRODUCTION = ("production", "prod", "live")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
_NUMBER = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
# A DSN of several hosts has commas of its own.
_NEXT_DSN = re.compile(r",\s*(?=postgres(?:ql)?://)", re.IGNORECASE)
_REPLICA_NAMES = ("ARAGORA_POSTGRES_REPLICAS", "ARAGORA_POSTGRES_REPLICA_DSNS")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, checked.

    ``pool_min`` and ``pool_max`` are connections of one pool; ``data_dir`` is absolute;
    ``sql_dir`` is None for the packaged SQL files.
    """

    backend: Backend
    dsn: PostgresDSN | None
    pool_min: int
    pool_max: int
    data_dir: Path
    sql_dir: Path | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from ``environ`` (default: the process environment).

        Raises :class:`ConfigurationError` naming the variable; in particular
        :class:`DSNNotConfiguredError` when PostgreSQL is asked for without a DSN, and one that says
        how to go on where it would be SQLite in production.
        """
        env = with_secrets(os.environ if environ is None else environ)
        backend = _backend(env)
        dsn = None
        if backend != "sqlite":
            dsn = dsn_from_env(env)
            if backend == "postgres" and dsn is None:
                raise DSNNotConfiguredError
        else:
            _refuse_in_production(env, "ARAGORA_DB_BACKEND is sqlite")
        if dsn is None and backend is None:
            _refuse_in_production(env, "neither DATABASE_URL nor ARAGORA_POSTGRES_DSN is set")
        pool_min, pool_max = pool_sizes(env)
        sql_dir = env.get("ARAGORA_SQL_DIR", "").strip()
        return cls(
            backend=backend or ("sqlite" if dsn is None else "postgres"),
            dsn=dsn,
            pool_min=pool_min,
            pool_max=pool_max,
            data_dir=Path(env.get("ARAGORA_DATA_DIR", "").strip() or DEFAULT_DATA_DIR)
            .expanduser()
            .absolute(),
            sql_dir=Path(sql_dir).expanduser().absolute() if sql_dir else None,
        )

    @property
    def sqlite_path(self) -> Path:
        """The SQLite file that holds every store."""
        return self.data_dir / SQLITE_FILE_NAME


def _backend(env: Mapping[str, str]) -> Backend | None:
    name = env.get("ARAGORA_DB_BACKEND", "").strip().lower()
    if not name:
        return None
    if name not in _BACKENDS:
        raise ConfigurationError(
            f"ARAGORA_DB_BACKEND: {name!r} is not known; use sqlite, postgres or postgresql"
        )
    return _BACKENDS[name]


def _refuse_in_production(env: Mapping[str, str], why: str) -> None:
    """Raise :class:`ConfigurationError` where SQLite would be used in production."""
    name = env.get("ARAGORA_ENV", "").strip().lower()
    allowed = env.get("ARAGORA_ALLOW_SQLITE_FALLBACK", "").strip().lower()
    if allowed not in _BOOLEANS:
        raise ConfigurationError(
            f"ARAGORA_ALLOW_SQLITE_FALLBACK: {allowed!r} is neither true nor false"
        )
    if name not in _PRODUCTION:
        near = get_close_matches(name, _PRODUCTION, n=1, cutoff=0.8)
        if near:
            raise ConfigurationError(f"ARAGORA_ENV: {name!r} is not known; is {near[0]!r} meant?")
    elif not _BOOLEANS[allowed]:
        raise ConfigurationError(
            f"ARAGORA_ENV is {name}, and stores would be in a SQLite file of this machine: {why}. "
            "Name a PostgreSQL database in DATABASE_URL, or set ARAGORA_ALLOW_SQLITE_FALLBACK=true"
        )


def admin_token(token: str | None = None, env: Mapping[str, str] | None = None) -> str | None:
    """Return the token of the health server's admin routes: the argument, else the environment's.

    None: there is none. Raises :class:`ConfigurationError`, which does not show it, for one that is
    easily guessed or that no header can carry.
    """
    env = with_secrets(os.environ if env is None else env)
    name = "ARAGORA_ADMIN_TOKEN" if token is None else "token"
    text = (env.get(name, "") if token is None else token).strip()
    if not text:
        return None
    if len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{name}: must be at least {SHORTEST_TOKEN} ASCII characters without spaces, such as "
            "openssl rand -hex 32 gives"
        )
    return text


def traces(env: Mapping[str, str] | None = None) -> bool:
    """Tell whether commands report to OpenTelemetry. Raises :class:`ConfigurationError`."""
    env = os.environ if env is None else env
    text = env.get("ARAGORA_TRACING", "").strip().lower()
    if text not in _BOOLEANS:
        raise ConfigurationError(f"ARAGORA_TRACING: {text!r} is neither true nor false")
    return _BOOLEANS[text]


def dsn_variable(env: Mapping[str, str] | None = None) -> str | None:
    """Return which variable names the DSN: ``DATABASE_URL``, else ``ARAGORA_POSTGRES_DSN``.

    Their older names come last.
    """
    env = with_secrets(os.environ if env is None else env)
    names = (*DSN_NAMES, *OLDER_DSN_NAMES)
    return next((name for name in names if env.get(name, "").strip()), None)


def dsn_from_env(env: Mapping[str, str] | None = None) -> PostgresDSN | None:
    """Return the DSN of :func:`dsn_variable`, or None.

    Where a secret store is in use and has none either, it is a :class:`ConfigurationError`; so it
    is where an older name says something else.
    """
    env = with_secrets(os.environ if env is None else env)
    variable = dsn_variable(env)
    if variable is None:
        refuse_missing(env, DSN_NAMES)
        return None
    dsn = PostgresDSN.parse(env[variable].strip(), label(env, variable))
    for name in OLDER_DSN_NAMES:
        text = env.get(name, "").strip()
        if text and PostgresDSN.parse(text, name) != dsn:
            raise ConfigurationError(
                f"{name} and {label(env, variable)} name different databases; give one of them"
            )
    return dsn


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """The servers that reads may go to, and how old their data may be, in seconds."""

    dsns: tuple[PostgresDSN, ...]
    max_lag: float = DEFAULT_REPLICA_MAX_LAG

    def each_server(self) -> tuple[PostgresDSN, ...]:
        """Return a DSN for each server, each once."""
        return tuple(dict.fromkeys(one for dsn in self.dsns for one in dsn.each_host()))


def replicas_from_env(
    primary: PostgresDSN, env: Mapping[str, str] | None = None
) -> ReplicaSettings | None:
    """Return the replicas that the environment names for its primary.

    None: it names none, or another primary. Raises :class:`ConfigurationError`.
    """
    env = with_secrets(os.environ if env is None else env)
    texts = {name: text for name in _REPLICA_NAMES if (text := env.get(name, "").strip())}
    if not texts:
        return None
    if len(set(texts.values())) > 1:
        raise ConfigurationError(f"{' and '.join(texts)} name different servers; give one of them")
    if dsn_from_env(env) != primary:
        return None
    name, text = next(iter(texts.items()))
    source = label(env, name)
    parts = [part.strip() for part in _NEXT_DSN.split(text.strip(","))]
    dsns = tuple(PostgresDSN.parse(part, source) for part in parts)
    return ReplicaSettings(dsns, _max_lag(env))


def _max_lag(env: Mapping[str, str]) -> float:
    text = env.get("ARAGORA_REPLICA_MAX_LAG", "").strip()
    if not text:
        return DEFAULT_REPLICA_MAX_LAG
    if not _SECONDS.fullmatch(text) or not float(text):
        raise ConfigurationError(
            f"ARAGORA_REPLICA_MAX_LAG: {text!r} is not a number of seconds above 0, such as 2.5"
        )
    return float(text)


def pool_sizes(
    env: Mapping[str, str] | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
) -> tuple[int, int]:
    """Return (minimum, maximum) connections: arguments first, then the environment, then defaults.

    Raises :class:`ConfigurationError` for a size below 1 (0 for the minimum), or a minimum that was
    asked for and is above the maximum.
    """
    env = os.environ if env is None else env
    maximum = max_size
    max_name = "max_size"
    for variable in ("ARAGORA_POSTGRES_POOL_MAX", "ARAGORA_DB_POOL_SIZE"):
        if maximum is None:
            maximum, max_name = _size(env, variable, least=1), variable
    if maximum is None:
        maximum, max_name = DEFAULT_POOL_MAX, "the default maximum"
    minimum, min_name = min_size, "min_size"
    if minimum is None:
        minimum, min_name = (
            _size(env, "ARAGORA_POSTGRES_POOL_MIN", least=0),
            ("ARAGORA_POSTGRES_POOL_MIN"),
        )
    if minimum is None:
        minimum = min(DEFAULT_POOL_MIN, maximum)
    if maximum < 1:
        raise ConfigurationError(f"{max_name}: {maximum} connections; it has to be at least 1")
    if minimum < 0:
        raise ConfigurationError(f"{min_name}: {minimum} connections; it has to be at least 0")
    if minimum > maximum:
        raise ConfigurationError(f"{min_name} is {minimum}, more than {max_name} ({maximum})")
    return minimum, maximum


def instances(env: Mapping[str, str] | None = None) -> int:
    """Return how many processes have a pool of their own: ``ARAGORA_INSTANCES``, else 1.

    Raises :class:`ConfigurationError`.
    """
    return _size(os.environ if env is None else env, "ARAGORA_INSTANCES", least=1) or 1


def supabase_plan(env: Mapping[str, str] | None = None) -> str | None:
    """Return the plan that ``ARAGORA_SUPABASE_PLAN`` names, or None.

    Raises :class:`ConfigurationError` for one that is not known.
    """
    env = os.environ if env is None else env
    plan = env.get("ARAGORA_SUPABASE_PLAN", "").strip().lower()
    if plan and plan not in SUPABASE_PLANS:
        raise ConfigurationError(
            f"ARAGORA_SUPABASE_PLAN: {plan!r} is not known; use {', '.join(SUPABASE_PLANS)}"
        )
    return plan or None


def _size(env: Mapping[str, str], variable: str, *, least: int) -> int | None:
    text = env.get(variable, "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise ConfigurationError(f"{variable}: {text!r} is not a whole number from {least} up")
    return int(text)
