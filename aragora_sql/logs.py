"""Log lines of commands: text for people, or JSON objects, one a line, for programs."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO, get_args

__all__ = ["LOG_FORMATS", "JSONFormatter", "LogFormat", "log_to_stderr"]

LogFormat = Literal["text", "json"]
_TEXT = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"
LOG_FORMATS: Final[tuple[LogFormat, ...]] = get_args(LogFormat)


class JSONFormatter(logging.Formatter):
    """One JSON object a line: timestamp (UTC), level, logger, message, and a traceback as error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; whatever the record holds, it is valid JSON and UTF-8."""
        timestamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        line = {
            "timestamp": timestamp.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # ASCII only: a lone surrogate has no other form.
        return json.dumps(line)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at the time."""

    def __init__(self, log_format: LogFormat) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(JSONFormatter() if log_format == "json" else logging.Formatter(_TEXT))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def log_to_stderr(log_format: LogFormat, level: int) -> logging.Handler:
    """Write the log lines of the process from a level on to standard error; return the handler.

    It takes the place of what an earlier call set up, and of nothing that the application did.
    """
    root = logging.getLogger()
    for former in [one for one in root.handlers if isinstance(one, _StderrHandler)]:
        root.removeHandler(former)
    handler = _StderrHandler(log_format)
    root.addHandler(handler)
    root.setLevel(level)
    return handler
