"""The environment, read once into :class:`Settings`.

=============================  =====================================================================
variable                       meaning
=============================  =====================================================================
``DATABASE_URL``               PostgreSQL DSN
``ARAGORA_POSTGRES_DSN``       PostgreSQL DSN, used when ``DATABASE_URL`` is not set
``ARAGORA_DB_BACKEND``         ``sqlite``, ``postgres`` or ``postgresql``; unset: PostgreSQL when a
                               DSN is set, else SQLite
``ARAGORA_POSTGRES_POOL_MIN``  connections that a pool keeps open (default 5, at most the maximum)
``ARAGORA_POSTGRES_POOL_MAX``  most connections of a pool (default: ``ARAGORA_DB_POOL_SIZE``)
``ARAGORA_DB_POOL_SIZE``       most connections of a pool (default 20)
``ARAGORA_DATA_DIR``           folder of the SQLite file ``aragora.db`` (default ``.nomic``)
``ARAGORA_SQL_DIR``            a copy of the ``sql/`` tree to use instead of the packaged one
=============================  =====================================================================

An empty variable counts as not set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import ConfigurationError, DSNNotConfiguredError

__all__ = ["DEFAULT_POOL_MAX", "DEFAULT_POOL_MIN", "PostgresDSN", "Settings"]

Backend = Literal["postgres", "sqlite"]

DEFAULT_POOL_MIN = 5
DEFAULT_POOL_MAX = 20
DEFAULT_DATA_DIR = ".nomic"
SQLITE_FILE_NAME = "aragora.db"

_BACKENDS: dict[str, Backend] = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
}
_DSN_VARIABLES = ("DATABASE_URL", "ARAGORA_POSTGRES_DSN")
_NUMBER = re.compile(r"[0-9]{1,9}")


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
        :class:`DSNNotConfiguredError` when PostgreSQL is asked for without a DSN.
        """
        env = os.environ if environ is None else environ
        backend = _backend(env)
        dsn = None
        if backend != "sqlite":
            dsn = dsn_from_env(env)
            if backend == "postgres" and dsn is None:
                raise DSNNotConfiguredError
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


def dsn_variable(env: Mapping[str, str] | None = None) -> str | None:
    """Return which variable names the DSN: ``DATABASE_URL``, else ``ARAGORA_POSTGRES_DSN``."""
    env = os.environ if env is None else env
    return next((name for name in _DSN_VARIABLES if env.get(name, "").strip()), None)


def dsn_from_env(env: Mapping[str, str] | None = None) -> PostgresDSN | None:
    """Return the DSN of :func:`dsn_variable`, or None."""
    env = os.environ if env is None else env
    variable = dsn_variable(env)
    return None if variable is None else PostgresDSN.parse(env[variable].strip(), variable)


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


def _size(env: Mapping[str, str], variable: str, *, least: int) -> int | None:
    text = env.get(variable, "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise ConfigurationError(f"{variable}: {text!r} is not a whole number from {least} up")
    return int(text)
