"""The AWS Systems Manager Parameter Store, read with botocore (extra ``aws``)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aragora_sql.errors import AragoraSQLError, ConfigurationError, SecretStoreUnavailableError

try:
    import botocore.session
    from botocore import exceptions as aws
    from botocore.config import Config
except ImportError as error:
    raise ConfigurationError(
        "ARAGORA_SECRETS: the Parameter Store needs the 'botocore' package: "
        "pip install 'aragora-sql[aws]'"
    ) from error

__all__ = ["read_parameters"]

# A first try and four more, after up to 1, 2, 4 and 8 s; AWS_MAX_ATTEMPTS sets another number.
ATTEMPTS = 5
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0
# What one call may ask for.
MOST_NAMES = 10

_THROTTLED = {
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}
_DENIED = {"AccessDeniedException", "AccessDenied"}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOError,
    aws.ProfileNotFound,
    aws.ConfigParseError,
    aws.UnknownCredentialError,
)


def read_parameters(path: str, names: Sequence[str]) -> dict[str, str]:
    """Return the decrypted parameters ``path`` + name, for the names that there are.

    ``path`` begins and ends with a slash; one call asks for at most 10 ``names``. Where and as whom
    is what AWS programs agree on: ``AWS_REGION`` or ``AWS_DEFAULT_REGION``, ``AWS_PROFILE``, the
    role of the machine or container, ``AWS_ENDPOINT_URL_SSM``. Calls that are throttled are tried
    again.

    Raises :class:`~aragora_sql.errors.ConfigurationError` for no or wrong credentials, a missing
    region, a denied access, or when none of the parameters is there;
    :class:`~aragora_sql.errors.SecretStoreUnavailableError` when the service does not answer or
    goes on throttling.
    """
    where = f"ARAGORA_SECRETS: aws-ssm:{path}"
    try:
        with _unlogged():
            client = _client()
        # Once more: making the client has imported more modules that log.
        with _unlogged():
            parameters = [
                one
                for first in range(0, len(names), MOST_NAMES)
                for one in client.get_parameters(
                    Names=[f"{path}{name}" for name in names[first : first + MOST_NAMES]],
                    WithDecryption=True,
                )["Parameters"]
            ]
    except (aws.BotoCoreError, aws.ClientError, ValueError) as error:
        raise _explained(where, error) from error
    found = {one["Name"].removeprefix(path): one["Value"] for one in parameters}
    if not found:
        raise ConfigurationError(
            f"{where}: there is no parameter {', '.join(names[:-1])} or {names[-1]} in "
            f"{client.meta.region_name}"
        )
    return found


def _client() -> Any:
    session = botocore.session.get_session()
    retries: dict[str, object] = {"mode": "standard"}
    if not os.environ.get("AWS_MAX_ATTEMPTS"):
        retries["total_max_attempts"] = ATTEMPTS
    return session.create_client(
        "ssm",
        # botocore itself reads AWS_DEFAULT_REGION; containers and functions are given AWS_REGION.
        region_name=os.environ.get("AWS_REGION") or None,
        config=Config(retries=retries, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT),
    )


def _explained(where: str, error: Exception) -> AragoraSQLError:
    """Return what an error of botocore means here, and what to do."""
    if isinstance(error, aws.ClientError):
        return _refused(where, error)
    if isinstance(error, aws.NoRegionError):
        return ConfigurationError(f"{where}: no region is named: set AWS_REGION")
    if isinstance(error, _NO_CREDENTIALS):
        return ConfigurationError(
            f"{where}: there are no AWS credentials: give the machine or container a role, or set "
            f"AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ({error})"
        )
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        return SecretStoreUnavailableError(f"{where}: no answer from the service: {error}")
    return ConfigurationError(f"{where}: {type(error).__name__}: {error}")


def _refused(where: str, error: aws.ClientError) -> AragoraSQLError:
    """Return what an answer of the service means that is an error."""
    told = error.response.get("Error", {})
    code, message = told.get("Code", "Unknown"), told.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    tries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) + 1
    if code in _THROTTLED or status == 429:
        return SecretStoreUnavailableError(
            f"{where}: the service refuses so many calls (throttled; {tries} tries): start fewer "
            "instances at once, or try again later"
        )
    if code in _BAD_CREDENTIALS:
        return ConfigurationError(f"{where}: the AWS credentials are refused: {code}: {message}")
    if code in _DENIED or status == 403:
        return ConfigurationError(
            f"{where}: access denied: the role needs ssm:GetParameters on these parameters, and "
            f"kms:Decrypt where a key of your own encrypts them: {message or code}"
        )
    if status >= 500:
        return SecretStoreUnavailableError(f"{where}: {code} after {tries} tries: {message}")
    return ConfigurationError(f"{where}: {code}: {message}")


class _OfOtherThreads(logging.Filter):
    """Lets no line of this thread through below warnings."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.thread != self._thread


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep debug lines of botocore and urllib3 back: whole answers are among them."""
    hide = _OfOtherThreads()
    loggers = [
        logging.getLogger(name)
        for name in list(logging.root.manager.loggerDict)
        if name.partition(".")[0] in {"botocore", "urllib3"}
    ]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
