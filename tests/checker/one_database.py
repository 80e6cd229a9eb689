"""A server that leads every database name to one database, as one with a single database does."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from aragora_sql.settings import PostgresDSN

_ENCRYPTION_REQUESTS = {80877103, 80877104}  # SSLRequest, GSSENCRequest


@contextmanager
def one_database(upstream: str) -> Iterator[str]:
    """Give a DSN to a Unix socket behind which everybody is in the database of ``upstream``.

    Everybody is also the role of ``upstream`` there, whatever name they log in with.
    """
    target = PostgresDSN.parse(upstream)
    folder = Path(tempfile.mkdtemp(prefix="aragora-one-"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_serve, args=(client, target), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        options = (("host", str(folder)), ("port", "5432"))
        yield replace(target, hosts="", options=options).uri()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        shutil.rmtree(folder)


def _serve(client: socket.socket, target: PostgresDSN) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        try:
            code, body = _read_startup(client)
            while code in _ENCRYPTION_REQUESTS:
                client.sendall(b"N")
                code, body = _read_startup(client)
            server.connect(f"{target.option('host')}/.s.PGSQL.{target.option('port') or 5432}")
            packet = struct.pack("!I", code) + _redirected(body, target)
            server.sendall(struct.pack("!I", len(packet) + 4) + packet)
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()
        except OSError:
            return


def _redirected(body: bytes, target: PostgresDSN) -> bytes:
    words = body.rstrip(b"\0").split(b"\0")
    named = dict(zip(words[::2], words[1::2], strict=True))
    if b"database" in named:
        named |= {b"database": str(target.database).encode(), b"user": str(target.user).encode()}
    return b"".join(part + b"\0" for pair in named.items() for part in pair) + b"\0"


def _read_startup(client: socket.socket) -> tuple[int, bytes]:
    (length,) = struct.unpack("!I", _read(client, 4))
    packet = _read(client, length - 4)
    return struct.unpack("!I", packet[:4])[0], packet[4:]


def _read(source: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = source.recv(length - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
