"""A server of this process that answers with any bytes at all, HTTP or not, and closes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache


@dataclass
class RawServer:
    """`answer` gives the bytes for a path, its status line and head included."""

    url: str
    answer: Callable[[str], bytes]


def head(status: int, length: int, *more: str) -> bytes:
    """Of an HTTP answer."""
    lines = (f"HTTP/1.1 {status} Said", f"Content-Length: {length}", "Connection: close", *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def as_json(data: bytes | object, status: int = 200) -> bytes:
    """An answer with a body of JSON, or of bytes that claim to be."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return head(status, len(body), "Content-Type: application/json") + body


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """The one of this process; it lives as long as that."""
    yield _running()


@cache
def _running() -> RawServer:
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = RawServer(f"http://127.0.0.1:{listening.getsockname()[1]}", lambda _: b"")

    def serve() -> None:
        while True:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.settimeout(5)
                path, waiting = _asked(connection)
                connection.sendall(server.answer(path))
                if waiting:  # bytes that are not read would reset the connection under the answer
                    connection.shutdown(socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    return server


def _asked(connection: socket.socket) -> tuple[str, bool]:
    """The path, once the whole request has come."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(1 << 16)
        if not block:
            return "", False
        data += block
    first, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in first.lower().split(b"\r\n") if line.startswith(b"content-length")]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0 and (block := connection.recv(1 << 16)):
        missing -= len(block)
    return first.split(b" ")[1].decode("latin-1"), True
