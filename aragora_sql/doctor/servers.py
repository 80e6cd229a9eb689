"""What a DSN leads to, as far as its text tells: the kind of server, TLS, and its parts."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.dsn import TRANSACTION_POOLER_PORT, PostgresDSN

__all__ = ["Kind", "Server", "check_dsn", "check_tls", "kind_of", "why_unreachable"]

Kind = Literal[
    "Supabase direct",
    "Supabase session pooler",
    "Supabase transaction pooler",
    "RDS",
    "RDS Proxy",
    "transaction pooler",
    "plain",
]

DIRECT_HOST = re.compile(r"db\.(?P<project>[a-z0-9]+)\.supabase\.(?:co|com|in|net)", re.IGNORECASE)
_POOLER_HOST = re.compile(r"[a-z0-9-]+\.pooler\.supabase\.com", re.IGNORECASE)
_RDS_PROXY = re.compile(
    r".+\.proxy-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com(?:\.cn)?", re.IGNORECASE
)
_RDS = re.compile(r".+\.rds\.amazonaws\.com(?:\.cn)?", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"\[.*\]|<.*>|\*+|(?:your[-_ ]?)?password|(?:your|my)[-_ ].*|changeme", re.IGNORECASE
)
_ENCRYPTED = ("require", "verify-ca", "verify-full")

IPV6_ONLY = (
    "a direct host of Supabase has an IPv6 address alone, unless the project has the IPv4 add-on: "
    "from a network without IPv6 take the session pooler's connection string (port 5432 of "
    "….pooler.supabase.com, user postgres.PROJECT), or give the host IPv6 (on EC2: a subnet with "
    "an IPv6 block and an egress route)"
)

# What a server or pooler says when it refuses a connection, and what to do then.
_MEANINGS = tuple(
    (re.compile(pattern, re.IGNORECASE), action)
    for pattern, action in (
        (
            r"tenant.*not found",
            "the shared pooler does not know the project: copy host and user (postgres.PROJECT) "
            "from Connect in the dashboard; the number in aws-0-REGION differs between projects",
        ),
        (
            r"max ?clients|too many (?:connections|clients)|remaining connection slots",
            "all connections are taken: make pools smaller, or see who holds them",
        ),
        (
            r"no encryption|SSL off|requires? (?:an )?(?:SSL|encryption)",
            "the server wants TLS: add ?sslmode=require",
        ),
        (
            r"rejected SSL|does not support SSL|SSL upgrade",
            "the server has no TLS: give it a certificate, or take sslmode out of the DSN",
        ),
        (
            r"certificate verify failed",
            "the server's certificate is not of those that sslrootcert names: is it the right "
            "file, and the host the one in the certificate?",
        ),
        (
            r"(?:password )?authentication failed|SASL|no password",
            "look at user and password; percent-encode special characters of the password",
        ),
        (
            r"database .* does not exist",
            "name a database that is there (on Supabase: postgres)",
        ),
        (r"role .* does not exist", "name a role that is there, as the user of the DSN"),
    )
)

# Gives the addresses of a name.
Resolve = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Server:
    """One host of a DSN: its name (a folder for a Unix socket) and port."""

    host: str
    port: str

    @property
    def is_local(self) -> bool:
        """Whether what is sent stays on this machine."""
        if not self.host or self.host.startswith(("/", "@")) or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_shared_pooler(self) -> bool:
        """Whether it is a pooler that serves many Supabase projects."""
        return _POOLER_HOST.fullmatch(self.host) is not None


def servers_of(dsn: PostgresDSN) -> list[Server]:
    """Return the hosts that a DSN names, in their order."""
    hosts = dsn.option("host") if not dsn.hosts else dsn.hosts
    ports = (dsn.option("port") or "").split(",")
    found = []
    for number, text in enumerate((hosts or "").split(",")):
        host, port = text, ""
        if text.startswith("["):
            host, _, port = text[1:].partition("]")
        elif not text.startswith("/"):
            host, _, port = text.partition(":")
        given = ports[number] if number < len(ports) else ports[-1]
        found.append(Server(host, port.lstrip(":") or given or "5432"))
    return found


def kind_of(dsn: PostgresDSN) -> Kind:
    """Return the kind of the first host of a DSN."""
    server = servers_of(dsn)[0]
    is_transaction = server.port == TRANSACTION_POOLER_PORT
    if DIRECT_HOST.fullmatch(server.host):
        # On this port it is a PgBouncer beside the server.
        return "Supabase transaction pooler" if is_transaction else "Supabase direct"
    if server.is_shared_pooler:
        return "Supabase transaction pooler" if is_transaction else "Supabase session pooler"
    if _RDS_PROXY.fullmatch(server.host):
        return "RDS Proxy"
    if _RDS.fullmatch(server.host):
        return "RDS"
    return "transaction pooler" if dsn.transaction_pooling else "plain"


def check_dsn(dsn: PostgresDSN) -> list[Finding]:
    """Say which kind of server a DSN names, and what does not fit together in it."""
    findings: list[Finding] = []

    def wrong(seen: str, action: str) -> None:
        findings.append(error("dsn", seen, action, "configuration"))

    kind = kind_of(dsn)
    for server in servers_of(dsn):
        user = dsn.user or dsn.option("user") or ""
        if server.is_shared_pooler and "." not in user:
            wrong(
                f"the shared pooler {server.host} finds the project by the user name, and "
                f"{user!r} names none",
                "the user is postgres.PROJECT: copy the string that the dashboard shows under "
                "Connect, host included",
            )
        direct = DIRECT_HOST.fullmatch(server.host)
        if direct is not None and user.endswith(f".{direct['project']}"):
            wrong(
                f"the user {user!r} is that of the shared pooler, and {server.host} is the server",
                f"the user is {user.rpartition('.')[0]} there",
            )
        if server.is_shared_pooler and server.port not in {"5432", TRANSACTION_POOLER_PORT}:
            wrong(f"port {server.port} of {server.host}", "the pooler has the ports 5432 and 6543")
    if dsn.password is not None and _PLACEHOLDER.fullmatch(dsn.password):
        findings.append(
            warning("dsn", "the password looks like a placeholder", "put the real one there")
        )
    if dsn.database is None:
        findings.append(
            warning(
                "dsn",
                "the DSN names no database, so that of the user's name is meant",
                "write it behind the host: /postgres on Supabase",
            )
        )
    if kind == "RDS Proxy":
        findings.append(
            warning(
                "dsn",
                "RDS Proxy keeps a session for each client that prepares statements, so it pools "
                "nothing",
                "add ?pgbouncer=true",
            )
            if not dsn.transaction_pooling
            else ok("dsn", "RDS Proxy, without named prepared statements")
        )
    return findings or [ok("dsn", f"{kind}: {dsn}")]


def check_tls(
    dsn: PostgresDSN, *, is_encrypted: bool | None = None, version: str | None = None
) -> list[Finding]:
    """Say whether the connection is encrypted, and whom the server's certificate convinces.

    ``is_encrypted`` and ``version`` are what the server says of the session; None where a pooler is
    between, or nothing was asked.
    """
    mode = dsn.option("sslmode") or "prefer"
    if all(server.is_local for server in servers_of(dsn)):
        return [ok("tls", "the connection stays on this machine")]
    how = f", {version}" if version else ""
    if mode == "disable":
        return [
            error(
                "tls",
                "sslmode=disable: the password and all data cross the network in the clear",
                "add ?sslmode=require to the DSN, or verify-full with the server's certificates",
                "configuration",
            )
        ]
    if mode not in _ENCRYPTED:
        state = {True: f"encrypted now{how}", False: "not encrypted", None: "perhaps encrypted"}
        make = error if is_encrypted is False else warning
        return [
            make(
                "tls",
                f"sslmode={mode}: {state[is_encrypted]}, and whoever is between may switch "
                "encryption off",
                "add ?sslmode=require to the DSN",
            )
        ]
    if mode == "require":
        return [
            ok(
                "tls",
                f"sslmode=require{how}: encrypted; sslmode=verify-full with sslrootcert=FILE would "
                "look at the certificate too",
            )
        ]
    return [ok("tls", f"sslmode={mode}{how}: encrypted, and the certificate is looked at")]


def addresses(host: str) -> list[str]:
    """Return the addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({str(one[4][0]) for one in found})


def why_unreachable(dsn: PostgresDSN, problem: BaseException, resolve: Resolve = addresses) -> str:
    """Return what is to be done where a server can't be reached, by what is known of its host."""
    causes: list[BaseException] = []
    cause: BaseException | None = problem
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    text = " ".join(map(str, causes))
    server = servers_of(dsn)[0]
    unreachable = any(
        isinstance(one, OSError) and one.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}
        for one in causes
    ) or any(word in text for word in ("unreachable", "No route to host"))
    is_unknown = any(isinstance(one, socket.gaierror) for one in causes)
    if DIRECT_HOST.fullmatch(server.host):
        try:
            found = resolve(server.host)
        except OSError:
            found = []
        if not found:
            return f"{server.host} has no address here. Is the project there? Else: {IPV6_ONLY}"
        if unreachable or is_unknown or all(":" in one for one in found):
            return IPV6_ONLY
    for pattern, action in _MEANINGS:
        if pattern.search(text):
            return action
    if is_unknown:
        return f"the name {server.host} has no address here: is it spelt right, is there DNS?"
    if "connect timeout" in text:
        return (
            "nothing answers: is a firewall or a security group between (outgoing TCP, port "
            f"{server.port}), or does the server hang?"
        )
    if any(isinstance(one, ConnectionRefusedError | FileNotFoundError) for one in causes):
        return "nothing listens there: does the server run, are host and port right?"
    return "does the server run, are host and port right?"
