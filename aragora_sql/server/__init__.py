"""Health, metrics and a status page over HTTP: ``health_app(database)``; needs ``[server]``.

>>> from aragora_sql.server import health_app
>>> app.mount("/database", health_app(database))    # within an application of yours

``python -m aragora_sql.server --port 8080`` and ``aragora-sql serve`` run it alone: ``listen``
opens the socket, ``run`` serves on it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aragora_sql.errors import ConfigurationError

if TYPE_CHECKING:
    from aragora_sql.server.app import health_app
    from aragora_sql.server.serving import listen, run

__all__ = ["health_app", "listen", "run"]

_MODULES = {"health_app": "app", "listen": "serving", "run": "serving"}
_EXTRA = {"prometheus_client", "starlette", "uvicorn"}


# Loaded at the first use, so that a package that is missing is named in one sentence.
def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in _EXTRA:
            raise
        raise ConfigurationError(
            f"the health server needs {missing!r}: pip install 'aragora-sql[server]'"
        ) from error
