"""Larger values are stored compressed: with zstd, at its fastest level that also finds repeats.

It is done here and not in the server: PostgreSQL's own pglz takes ten times as long for less, and
SQLite has none. What is compressed fits into half the pages of a file, or fewer. The type of such a
row begins with :data:`MARK`; an earlier release says that it does not know it, and reads nothing
wrong.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import zstandard

from aragora_sql.errors import UnreadableValueError

__all__ = ["MARK", "Compressor", "decompressed"]

MARK = "zstd:"
LEVEL = 1
# Fewer bytes are left as they are: there is little to gain, and reading would cost more.
SMALLEST = 512
# What a task writes is compressed once more a moment later, as the value of a channel, if it has so
# many bytes; so many of them are remembered.
REMEMBERED_FROM = 8192
MOST_REMEMBERED = 4_000_000


class _Contexts(threading.local):
    """What compresses and decompresses; one thread may use it at a time."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_contexts = _Contexts()


class Compressor:
    """Compresses serialised values where that makes them smaller."""

    def __init__(self) -> None:
        # Those that are likely to come again, by their length and end, the oldest first.
        self._remembered: OrderedDict[tuple[int, bytes], tuple[bytes, bytes]] = OrderedDict()
        self._size = 0

    def compressed(self, kind: str, content: bytes) -> tuple[str, bytes]:
        """Return the type and the bytes that are stored for a value.

        A type of the serializer's own that begins as :data:`MARK` does gets it once more.
        """
        length = len(content)
        if length < SMALLEST and not kind.startswith(MARK):
            return kind, content
        if length < REMEMBERED_FROM:
            smaller = _contexts.compress(content)
        else:
            smaller = self._compress_large(content)
        # An eighth at least, or reading it is not worth the time.
        if len(smaller) * 8 > length * 7 and not kind.startswith(MARK):
            return kind, content
        return MARK + kind, smaller

    def _compress_large(self, content: bytes) -> bytes:
        key = (len(content), content[-32:])
        known = self._remembered.pop(key, None)
        if known is not None:
            self._size -= len(known[0])
            if known[0] == content:
                return known[1]
        smaller = _contexts.compress(content)
        if len(content) <= MOST_REMEMBERED:
            self._remembered[key] = (content, smaller)
            self._size += len(content)
            while self._size > MOST_REMEMBERED:
                _, (oldest, _) = self._remembered.popitem(last=False)
                self._size -= len(oldest)
        return smaller


def decompressed(kind: str, content: bytes) -> tuple[str, bytes]:
    """Return the type and the bytes that the serializer has made of a value.

    Raises :class:`UnreadableValueError` for bytes that are not what was stored.
    """
    if not kind.startswith(MARK):
        return kind, content
    try:
        return kind[len(MARK) :], _contexts.decompress(content)
    except zstandard.ZstdError as error:
        raise UnreadableValueError(f"its compressed bytes are damaged: {error}") from error
