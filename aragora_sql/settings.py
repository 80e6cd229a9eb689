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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode

from aragora_sql.errors import ConfigurationError, DSNNotConfiguredError

__all__ = ["DEFAULT_POOL_MAX", "DEFAULT_POOL_MIN", "PostgresDSN", "Settings"]

Backend = Literal["postgres", "sqlite"]

DEFAULT_POOL_MIN = 5
DEFAULT_POOL_MAX = 20
DEFAULT_DATA_DIR = ".nomic"
SQLITE_FILE_NAME = "aragora.db"

# The port of Supabase's and most other transaction poolers.
TRANSACTION_POOLER_PORT = "6543"

_BACKENDS: dict[str, Backend] = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
}
_DSN_VARIABLES = ("DATABASE_URL", "ARAGORA_POSTGRES_DSN")
_SCHEMES = ("postgresql://", "postgres://")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"[0-9]{1,9}")
# Options whose values may be shown; any other could hold a secret.
_SHOWN_OPTIONS = {
    "application_name",
    "database",
    "dbname",
    "host",
    "pgbouncer",
    "port",
    "sslmode",
    "target_session_attrs",
    "user",
}
_ENCODE = (
    "percent-encode every special character of the user name and password "
    "(@ as %40, # as %23, / as %2F, ? as %3F, : as %3A, % as %25)"
)


@dataclass(frozen=True, slots=True)
class PostgresDSN:
    """A PostgreSQL connection URI that has been checked and never shows its password.

    Accepts ``postgresql://`` and ``postgres://``, several hosts, percent-encoded parts, a Unix
    socket (``?host=/path``) and the options of the URI (``?sslmode=require``).
    """

    user: str | None
    password: str | None = field(repr=False)
    hosts: str
    database: str | None
    options: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str, source: str = "dsn") -> PostgresDSN:
        """Check and take apart a connection URI.

        ``source`` is the variable or argument that the error messages name.
        Raises :class:`ConfigurationError`, whose message never holds a part of the URI that could
        be a password.
        """

        def wrong(problem: str) -> ConfigurationError:
            return ConfigurationError(f"{source}: {problem}")

        text = text.strip()
        scheme = next((s for s in _SCHEMES if text.lower().startswith(s)), None)
        if scheme is None:
            raise wrong(
                "not a PostgreSQL connection URI: it has to look like "
                "postgresql://user:password@host:5432/database"
            )
        rest = text[len(scheme) :]
        if re.search(r"[\s\x00-\x1f\x7f]", rest):
            raise wrong(f"white space or a control character in the URI: {_ENCODE}")
        if "#" in rest:
            raise wrong(f"an unescaped '#' in the URI: {_ENCODE}")

        authority, slash, path = _split_at(rest, "/?")
        before_query, _, query = (slash + path).partition("?")
        if authority.count("@") > 1:
            raise wrong(f"an unescaped '@' in the user name or password: {_ENCODE}")
        if "@" in before_query or ("@" in query and "@" not in authority):
            raise wrong(f"an unescaped '/', '?' or '@' in the user name or password: {_ENCODE}")
        credentials, at, hosts = authority.rpartition("@")
        if _BAD_PERCENT.search(credentials):
            raise wrong(f"an unescaped '%' in the user name or password: {_ENCODE}")
        _check_hosts(hosts, wrong)
        user, colon, password = credentials.partition(":")
        if query and not all("=" in option for option in query.split("&")):
            raise wrong("the options after '?' are not name=value pairs joined by '&'")
        return cls(
            user=_decode(user, wrong) if at and user else None,
            password=_decode(password, wrong) if colon else None,
            hosts=hosts,
            database=_decode(before_query[1:], wrong) if len(before_query) > 1 else None,
            options=tuple(parse_qsl(query, keep_blank_values=True)),
        )

    @property
    def transaction_pooling(self) -> bool:
        """True when the server is known to be a transaction pooler.

        That is port 6543, or the option ``pgbouncer=true``: no named prepared statements then.
        """
        named = dict(self.options).get("pgbouncer", "").lower() in {"true", "1", "on", "yes"}
        ports = [host.rpartition(":")[2] for host in self.hosts.split(",")]
        return named or TRANSACTION_POOLER_PORT in [*ports, dict(self.options).get("port")]

    def option(self, name: str) -> str | None:
        """Return the last value of a URI option, or None."""
        return dict(self.options).get(name)

    def uri(self, *, without: frozenset[str] = frozenset()) -> str:
        """Return the connection URI **with its password**, for a driver and for nothing else.

        ``without`` names URI options to leave out.
        """
        return self._build(self.password, self.options, without)

    def _build(
        self,
        password: str | None,
        options: tuple[tuple[str, str], ...],
        without: frozenset[str] = frozenset(),
    ) -> str:
        credentials = quote(self.user or "", safe="")
        if password is not None:
            credentials += ":" + ("***" if password == "***" else quote(password, safe=""))  # noqa: S105
        kept = [(name, value) for name, value in options if name not in without]
        return (
            "postgresql://"
            + (f"{credentials}@" if credentials else "")
            + self.hosts
            + (f"/{quote(self.database, safe='')}" if self.database is not None else "")
            + (f"?{urlencode(kept, safe='/,*', quote_via=quote)}" if kept else "")
        )

    def __str__(self) -> str:
        """Return the URI with the password, and what else may be secret, as ``***``."""
        shown = tuple((n, v if n in _SHOWN_OPTIONS else "***") for n, v in self.options)
        return self._build("***" if self.password is not None else None, shown)

    def __repr__(self) -> str:
        return f"PostgresDSN({str(self)!r})"


def _split_at(text: str, stops: str) -> tuple[str, str, str]:
    match = re.search(f"[{re.escape(stops)}]", text)
    if match is None:
        return text, "", ""
    return text[: match.start()], match[0], text[match.end() :]


def _decode(text: str, wrong: _Wrong) -> str:
    # An exception of unquote() would hold the text: it must not be in the chain of ours.
    decoded = unquote(text, errors="surrogateescape")
    if re.search("[\ud800-\udfff]", decoded):
        raise wrong("the percent-encoded bytes are not UTF-8")
    return decoded


def _check_hosts(hosts: str, wrong: _Wrong) -> None:
    for host in hosts.split(","):
        if host.startswith("["):
            address, bracket, port = host[1:].partition("]")
            valid = bool(bracket) and re.fullmatch(r"[0-9A-Fa-f:.%]+", address) is not None
        else:
            name, colon, port = host.partition(":")
            valid = re.fullmatch(r"[\w.\-%]*", name) is not None
            port = colon + port
        # What stands here may be a piece of a password, so it is not shown.
        if not valid:
            raise wrong(
                "the host is not a host name (a placeholder in [brackets] has to be replaced): "
                + _ENCODE
            )
        if port and not (_NUMBER.fullmatch(port[1:]) and 0 < int(port[1:]) < 65536):
            raise wrong(
                "the port after the host is not a number from 1 to 65535 "
                f"(is 'user:password@' missing its '@', or is a character unescaped?): {_ENCODE}"
            )


class _Wrong(Protocol):
    """Builds the error of one DSN."""

    def __call__(self, problem: str) -> ConfigurationError: ...


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
