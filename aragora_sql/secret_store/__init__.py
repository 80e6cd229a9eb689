"""Secrets that are kept outside of the environment, and read from there at start.

``ARAGORA_SECRETS=aws-ssm:/aragora/prod/`` names the AWS Systems Manager Parameter Store and the
path of the parameters; each has the name of a variable, such as
``/aragora/prod/ARAGORA_ENCRYPTION_KEY``. :data:`SECRET_NAMES` are those that are looked for.

The environment comes first: what it sets is not taken from the store, and a DSN in either of its
two variables hides both of the store. The store is read once in a process, when the first name is
needed that the environment does not have. No value is logged, shown or put into the environment,
which child processes would inherit.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from aragora_sql.errors import ConfigurationError

__all__ = [
    "DSN_NAMES",
    "OLDER_DSN_NAMES",
    "SECRETS_VARIABLE",
    "SECRET_NAMES",
    "label",
    "off_loop",
    "read_environment",
    "refuse_missing",
    "secrets_that_were_read",
    "with_secrets",
]

SECRETS_VARIABLE = "ARAGORA_SECRETS"
DSN_NAMES = ("DATABASE_URL", "ARAGORA_POSTGRES_DSN")
# What they were called beside replicas; of the environment only.
OLDER_DSN_NAMES = ("ARAGORA_POSTGRES_PRIMARY", "ARAGORA_POSTGRES_PRIMARY_DSN")
SECRET_NAMES = (
    *DSN_NAMES,
    "ARAGORA_POSTGRES_REPLICAS",
    "ARAGORA_ENCRYPTION_KEY",
    "ARAGORA_ENCRYPTION_KEYS_OLD",
    "ARAGORA_AUDIT_SIGNING_KEY",
    "ARAGORA_AUDIT_SIGNING_KEYS_OLD",
    "ARAGORA_RECEIPT_SIGNING_KEY",
    "ARAGORA_RECEIPT_SIGNING_KEYS_OLD",
    "ARAGORA_ADMIN_TOKEN",
    # Not used by this package: applications read it with read_environment().
    "SUPABASE_KEY",
)

_AWS_SSM = re.compile(r"aws-ssm:((?:/[A-Za-z0-9_.-]+)+)/?")

_T = TypeVar("_T")

# What was read, by the source: a process reads each once.
_read: dict[str, Mapping[str, str]] = {}
_lock = threading.Lock()


class _Completed(Mapping[str, str]):
    """An environment, completed by the secrets of a source as far as they are looked up."""

    __slots__ = ("_env", "source")

    def __init__(self, env: Mapping[str, str], source: str) -> None:
        self._env = env
        self.source = source

    def is_stored(self, name: str) -> bool:
        """Tell whether a name would be looked up in the store."""
        if name not in SECRET_NAMES:
            return False
        rivals = (*DSN_NAMES, *OLDER_DSN_NAMES) if name in DSN_NAMES else (name,)
        return not any(self._env.get(rival, "").strip() for rival in rivals)

    def __getitem__(self, name: str) -> str:
        if self.is_stored(name):
            stored = _secrets(self.source).get(name)
            if stored is not None:
                return stored
        return self._env[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._env
        for name in SECRET_NAMES:
            if name not in self._env and name in self:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<environment with the secrets of {self.source}>"


def read_environment() -> Mapping[str, str]:
    """Return the environment of the process, completed by the secrets of ``ARAGORA_SECRETS``.

    The store is read when the first secret is looked up that the environment does not have. Raises
    :class:`~aragora_sql.errors.ConfigurationError` when it can't be read, or has none of the
    secrets, and :class:`~aragora_sql.errors.SecretStoreUnavailableError` when it does not answer.
    """
    return with_secrets(os.environ)


def with_secrets(env: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment completed by the secrets that its ``ARAGORA_SECRETS`` names.

    Without that variable it is ``env`` itself. Raises
    :class:`~aragora_sql.errors.ConfigurationError` for a source that is not known.
    """
    if isinstance(env, _Completed):
        return env
    source = _source(env)
    return env if source is None else _Completed(env, source)


def label(env: Mapping[str, str], name: str) -> str:
    """Return what messages call a variable: its name, and the store's when it is from there."""
    if isinstance(env, _Completed) and env.is_stored(name) and env.get(name):
        return f"{name} (of {env.source})"
    return name


def refuse_missing(env: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise an error when a secret store is in use: neither it nor the environment has a name."""
    if isinstance(env, _Completed):
        wanted = " nor ".join(names)
        raise ConfigurationError(
            f"{SECRETS_VARIABLE}: neither {wanted} is a parameter of {env.source} or a variable of "
            "the environment; to use SQLite, set ARAGORA_DB_BACKEND=sqlite"
        )


def secrets_that_were_read(env: Mapping[str, str]) -> Mapping[str, str]:
    """Return what this process has read from the source of an environment; it is not asked."""
    try:
        source = _source(env)
    except ConfigurationError:
        # Nothing can have been read from it.
        return {}
    return {} if source is None else _read.get(source, {})


async def off_loop(read: Callable[[], _T]) -> _T:
    """Return ``read()``, from another thread while it might have to wait for the secret store."""
    source = _source(os.environ)
    if source is None or source in _read:
        return read()
    return await asyncio.to_thread(read)


def _source(env: Mapping[str, str]) -> str | None:
    text = env.get(SECRETS_VARIABLE, "").strip()
    if not text:
        return None
    match = _AWS_SSM.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{SECRETS_VARIABLE}: the value is not aws-ssm: and the path of parameters, such as "
            "aws-ssm:/aragora/prod/"
        )
    return f"aws-ssm:{match[1]}/"


def _secrets(source: str) -> Mapping[str, str]:
    with _lock:
        if source not in _read:
            from aragora_sql.secret_store.aws_ssm import read_parameters

            _read[source] = read_parameters(source.removeprefix("aws-ssm:"), SECRET_NAMES)
        return _read[source]
