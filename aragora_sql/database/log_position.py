"""Positions in the log of a PostgreSQL cluster, and tokens that carry them between processes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aragora_sql.errors import InvalidInputError

__all__ = ["LogFormat", "LogPosition", "read_lsn"]

_TOKEN = re.compile(r"lsn1\.([0-9a-f]{1,16})\.([0-9a-f]{1,8})\.([0-9a-f]{1,16})")
# The headers of a page of the log, and of the first page of a segment, in bytes.
_PAGE_HEADER, _SEGMENT_HEADER = 24, 40


def read_lsn(text: bytes) -> int:
    """Return the number of a position such as ``0/16EFA00``."""
    high, _, low = text.partition(b"/")
    return (int(high, 16) << 32) + int(low, 16)


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far the log of a cluster has to be applied: cluster, timeline and byte."""

    cluster: int
    timeline: int
    lsn: int

    @property
    def token(self) -> str:
        """The position as text: it holds no secret, and fits into a header or a cookie."""
        return f"lsn1.{self.cluster:x}.{self.timeline:x}.{self.lsn:x}"

    @classmethod
    def parse(cls, token: object) -> LogPosition:
        """Return the position of a token. Raises :class:`InvalidInputError`."""
        match = _TOKEN.fullmatch(token) if isinstance(token, str) else None
        if match is None:
            raise InvalidInputError(
                "at_least", "is not a token that consistency_token() of PostgreSQL has given"
            )
        return cls(*(int(part, 16) for part in match.groups()))


@dataclass(frozen=True, slots=True)
class LogFormat:
    """The sizes of a cluster's pages and segments of the log, in bytes."""

    page: int = 8192
    segment: int = 16 << 20

    def end_of(self, position: int) -> int:
        """Return where the last record ends, given where the server puts the next one.

        The two differ where a page has just been filled: the next record follows the page's header,
        and no standby ever applies a header alone. No record ends behind one.
        """
        if position % self.segment == _SEGMENT_HEADER:
            return position - _SEGMENT_HEADER
        if position % self.page == _PAGE_HEADER:
            return position - _PAGE_HEADER
        return position
