"""A TCP relay that breaks connections: cut after some bytes, silence, or 500 and 503 in place of an answer."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

HANGS_SECONDS = 1.5
_KINDS = ("500", "503", "reset", "hang", "cut", "cut", "cut")


def relay(to: str, rate: Path, tell: Callable[[str], None], seed: int = 1) -> None:
    """Serve until killed. `rate` holds the share of connections that go wrong, and may be changed meanwhile."""
    target, chance = urlsplit(to), random.Random(seed)
    listener = socket.create_server(("127.0.0.1", 0))
    tell(f"http://127.0.0.1:{listener.getsockname()[1]}")
    while True:
        client, _ = listener.accept()
        share = float(rate.read_text(encoding="utf-8") or 0)
        kind = chance.choice(_KINDS) if chance.random() < share else ""
        left = chance.randrange(3000) if kind == "cut" else None
        address = (str(target.hostname), target.port or 80)
        threading.Thread(target=_serve, args=(client, address, kind, left), daemon=True).start()


def _serve(client: socket.socket, address: tuple[str, int], kind: str, left: int | None) -> None:
    with contextlib.suppress(OSError), client:
        if kind in ("500", "503"):
            client.recv(65536)
            client.sendall(f"HTTP/1.1 {kind} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        if kind == "hang":
            time.sleep(HANGS_SECONDS)
        if kind in ("hang", "reset"):
            _reset(client)
            return
        with socket.create_connection(address) as upstream:
            sending = threading.Thread(target=_pump, args=(client, upstream, None), daemon=True)
            sending.start()
            # What was asked for may have been done; the answer does not arrive.
            _pump(upstream, client, left)


def _pump(source: socket.socket, target: socket.socket, left: int | None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(16384):
            if left is not None and len(data) >= left:
                target.sendall(data[:left])
                _reset(target)
                return
            left = None if left is None else left - len(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
