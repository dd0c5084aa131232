"""A TCP relay to an http address, for tests that cut the line. Prints its own address, runs until it is killed."""

from __future__ import annotations

import socket
import sys
import threading
from urllib.parse import urlsplit


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            end.close()


def main() -> None:
    to = urlsplit(sys.argv[1])
    assert to.hostname is not None
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        client, _ = listener.accept()
        upstream = socket.create_connection((to.hostname, to.port or 80))
        for pair in ((client, upstream), (upstream, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


if __name__ == "__main__":
    main()
