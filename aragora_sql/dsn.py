"""PostgreSQL connection URIs: checked, put together for each driver, and never shown with a secret.

Besides the options that libpq knows, a URI may hold those that other drivers and hosts write into
``DATABASE_URL`` (Prisma, Supabase, JDBC, Node.js):

=============================  =====================================================================
option                         meaning here
=============================  =====================================================================
``pgbouncer=true|false``       a transaction pooler is in front of the server, or none does
``ssl=true|false|…``           ``sslmode=require``, ``disable``, or the mode itself
``sslaccept=…``                ``strict`` (``sslmode=verify-full``), ``accept_invalid_certs``
``schema``, ``currentSchema``  ``search_path``
``connection_limit``           most connections of a pool
``pool_timeout``               seconds that a unit of work waits for a connection of a pool
``statement_cache_size=0``     as ``pgbouncer=true``
``supa``                       a mark of Supabase, without a meaning
=============================  =====================================================================

Every other name is a setting of the server, such as ``lock_timeout``.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlencode

from aragora_sql.errors import ConfigurationError

__all__ = ["PostgresDSN"]

# The port of Supabase's and most other transaction poolers.
TRANSACTION_POOLER_PORT = "6543"

_SCHEMES = ("postgresql://", "postgres://")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
# Options whose values may be shown; any other could hold a secret.
_SHOWN_OPTIONS = {
    "application_name",
    "connect_timeout",
    "connection_limit",
    "database",
    "dbname",
    "host",
    "pgbouncer",
    "pool_timeout",
    "port",
    "search_path",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
}
_ENCODE = (
    "percent-encode every special character of the user name and password "
    "(@ as %40, # as %23, / as %2F, ? as %3F, : as %3A, % as %25)"
)
# Ours: no driver gets to see them.
OWN_OPTIONS = frozenset({"connection_limit", "pgbouncer", "pool_timeout"})
# What libpq takes; it refuses all others.
LIBPQ_OPTIONS = frozenset(
    {
        *("application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname"),
        *("fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr"),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname"),
        *("load_balance_hosts", "options", "passfile", "password", "port", "replication"),
        *("require_auth", "requirepeer", "service", "sslcert", "sslcertmode", "sslcompression"),
        *("sslcrl", "sslcrldir", "sslkey", "sslmode", "sslnegotiation", "sslpassword"),
        *("sslrootcert", "sslsni", "ssl_max_protocol_version", "ssl_min_protocol_version"),
        *("target_session_attrs", "tcp_user_timeout", "user"),
    }
)
_TRUE, _FALSE = {"true", "1", "on", "yes"}, {"false", "0", "off", "no"}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_SSL = {
    **dict.fromkeys(_TRUE, "require"),
    **dict.fromkeys(_FALSE, "disable"),
    **{mode: mode for mode in _SSL_MODES},
    "no-verify": "require",
}
_SSL_ACCEPT = {"strict": "verify-full", "accept_invalid_certs": "require"}
_SESSIONS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_FILES = ("sslrootcert", "sslcrl", "sslcert", "sslkey", "passfile")


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
        return cls(
            user=_decode(user, wrong) if at and user else None,
            password=_decode(password, wrong) if colon else None,
            hosts=hosts,
            database=_decode(before_query[1:], wrong) if len(before_query) > 1 else None,
            options=_read_options(query, wrong),
        )

    @property
    def transaction_pooling(self) -> bool:
        """True when the server is known to be a transaction pooler.

        That is port 6543, or the option ``pgbouncer=true``: no named prepared statements then.
        """
        named = self.named_pooling
        if named is not None:
            return named
        ports = [host.rpartition(":")[2] for host in self.hosts.split(",")]
        return TRANSACTION_POOLER_PORT in [*ports, *(self.option("port") or "").split(",")]

    @property
    def named_pooling(self) -> bool | None:
        """What the option ``pgbouncer`` says, or None without it."""
        value = self.option("pgbouncer")
        return None if value is None else value == "true"

    @property
    def wants_writes(self) -> bool:
        """Whether the URI asks for a server that takes writes (``target_session_attrs``)."""
        return self.option("target_session_attrs") in {"read-write", "primary"}

    def each_host(self) -> tuple[PostgresDSN, ...]:
        """Return a URI for each of its hosts; itself where there is one."""
        named = self.option("host")
        hosts = (self.hosts or named or "").split(",")
        if len(hosts) == 1:
            return (self,)
        if self.hosts:
            return tuple(replace(self, hosts=host) for host in hosts)
        ports = (self.option("port") or "").split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        if len(ports) != len(hosts):
            raise ConfigurationError(f"{self}: it names {len(hosts)} hosts and {len(ports)} ports")
        kept = tuple(one for one in self.options if one[0] not in ("host", "port"))
        return tuple(
            replace(self, options=(*kept, ("host", host), *((("port", port),) if port else ())))
            for host, port in zip(hosts, ports, strict=True)
        )

    def option(self, name: str) -> str | None:
        """Return the last value of a URI option, or None."""
        return dict(self.options).get(name)

    def number(self, name: str, *, least: int = 1) -> int | None:
        """Return an option that is a whole number from ``least`` up, or None without it.

        Raises :class:`ConfigurationError`.
        """
        text = self.option(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text) or int(text) < least:
            raise ConfigurationError(
                f"{self}: {name} is not a whole number from {least} up; it is {text[:20]!r}"
            )
        return int(text)

    def uri(self, *, without: frozenset[str] = frozenset()) -> str:
        """Return the connection URI **with its password**, for a driver and for nothing else.

        ``without`` names URI options to leave out.
        """
        return self._build(self.password, self.options, without)

    def libpq_uri(self, *, without: frozenset[str] = frozenset()) -> str:
        """Return the URI **with its password** as libpq takes it: psycopg, psql and their kind.

        Settings of the server become its option ``options``; our own options are left out.
        """
        kept = [(n, v) for n, v in self.options if n in LIBPQ_OPTIONS and n != "options"]
        words = [self.option("options") or ""]
        for name, value in self.options:
            if name not in LIBPQ_OPTIONS | OWN_OPTIONS | {"database"}:
                words.append(f"-c {name}=" + re.sub(r"([\\\s])", r"\\\1", value))
            elif name == "database":
                kept.append(("dbname", value))
        options = " ".join(filter(None, words))
        if options:
            kept.append(("options", options))
        return self._build(self.password, tuple(kept), without)

    def check_files(self) -> None:
        """Raise :class:`ConfigurationError` for a file that an option names and that is of no use.

        The drivers' own errors do not say which file they mean.
        """
        for name in _FILES:
            path = self.option(name)
            if path and not Path(path).expanduser().is_file():
                hint = " (name the file of the certificates)" if path == "system" else ""
                raise ConfigurationError(f"{self}: {name}: there is no file {path}{hint}")
        authorities, certificate = self.option("sslrootcert"), self.option("sslcert")
        if not authorities and not certificate:
            return
        # Without the system's own certificates, which take 50 ms to read.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if authorities:
                context.load_verify_locations(authorities)
        except (ssl.SSLError, OSError) as error:
            raise ConfigurationError(
                f"{self}: sslrootcert: {authorities} holds no certificates: {error}"
            ) from None
        try:
            if certificate:
                context.load_cert_chain(
                    certificate, self.option("sslkey"), self.option("sslpassword") or ""
                )
        except (ssl.SSLError, OSError, ValueError) as error:
            raise ConfigurationError(
                f"{self}: sslcert, sslkey: {certificate} can't be used: {error}"
            ) from None

    def unknown_option(self, name: str) -> ConfigurationError:
        """Return the error of an option that neither a driver nor the server knows."""
        known = sorted(LIBPQ_OPTIONS | OWN_OPTIONS | {"search_path", "ssl", "schema"})
        close = get_close_matches(name, known, 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return ConfigurationError(
            f"{self}: {name!r} is neither an option of a connection nor a setting of the server"
            f"{hint}; take it out of the DSN"
        )

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


def _read_options(query: str, wrong: _Wrong) -> tuple[tuple[str, str], ...]:
    """Take the options apart; a ``+`` is a plus, as libpq reads it, and not a blank."""
    if not query:
        return ()
    options: list[tuple[str, str]] = []
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise wrong("the options after '?' are not name=value pairs joined by '&'")
        if _BAD_PERCENT.search(pair):
            raise wrong(f"an unescaped '%' in the options after '?': {_ENCODE}")
        name, value = _decode(name, wrong), _decode(value, wrong)
        if not _SETTING.fullmatch(name):
            raise wrong("the name of an option after '?' is not made of letters, digits and '_'")
        if "\x00" in value:
            raise wrong(f"a NUL character in the option {name}")
        options += _translated(name, value, wrong)
    modes = {value for name, value in options if name == "sslmode"}
    if len(modes) > 1:
        raise wrong(f"its options say sslmode={' and sslmode='.join(sorted(modes))}; give one")
    if len({value for name, value in options if name == "search_path"}) > 1:
        raise wrong("'schema' and 'search_path' name different schemas; give one")
    return tuple(dict.fromkeys(options))


def _translated(name: str, value: str, wrong: _Wrong) -> Iterable[tuple[str, str]]:
    """Return an option as we, libpq or the server call it."""
    lower = value.lower()
    if name == "supa":
        return ()
    if name in {"schema", "currentSchema"}:
        return (("search_path", value),)
    if name in {"ssl", "sslaccept"}:
        known = _SSL if name == "ssl" else _SSL_ACCEPT
        if lower not in known:
            raise wrong(f"{name} has a value that is not one of {', '.join(known)}")
        return (("sslmode", known[lower]),)
    if name == "statement_cache_size":
        if value != "0":
            raise wrong("statement_cache_size can only be 0, which is pgbouncer=true")
        return (("pgbouncer", "true"),)
    if name == "pgbouncer":
        if lower not in _TRUE | _FALSE:
            raise wrong("pgbouncer has a value that is neither true nor false")
        return (("pgbouncer", "true" if lower in _TRUE else "false"),)
    if name == "target_session_attrs" and value not in _SESSIONS:
        raise wrong(f"target_session_attrs has a value that is not one of {', '.join(_SESSIONS)}")
    return ((name, value),)


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
        # What is here may be a piece of a password, so it is not shown.
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
