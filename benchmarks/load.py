"""HTTP load from one process: closed loop (each connection asks again when answered) and open loop (requests come when
they come, as from many people; latency counts from when a request was due, so a server that stalls can't hide it)."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

# Which request it answers, status, body.
OnBody = Callable[[int, int, bytes], None]


@dataclass(slots=True)
class Load:
    """What came of it: seconds of each answer by status, and how long it took in all."""

    seconds: float = 0.0
    latencies: dict[int, list[float]] = field(default_factory=dict)
    unanswered: int = 0

    @property
    def statuses(self) -> Counter[int]:
        return Counter({status: len(found) for status, found in self.latencies.items()})

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.latencies.get(200, ())) / self.seconds

    def percentile(self, share: float, status: int = 200) -> float:
        """Milliseconds."""
        found = sorted(self.latencies.get(status, ()))
        return found[min(len(found) - 1, int(len(found) * share))] * 1000 if found else float("nan")


def request(url: str, body: bytes, key: str | None = None) -> bytes:
    """A POST as it goes over the wire."""
    parts = urlsplit(url)
    more = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def closed(
    url: str,
    requests: Sequence[bytes],
    connections: int,
    seconds: float,
    warm: float = 2.0,
    on_body: OnBody | None = None,
) -> Load:
    """`connections` clients that ask without a pause; requests are taken in turn."""
    return uvloop.run(_closed(url, requests, connections, seconds, warm, on_body))


def opened(
    url: str, requests: Sequence[bytes], rate: float, seconds: float, on_body: OnBody | None = None, most: int = 4000
) -> Load:
    """Requests at random times (Poisson), `rate` a second, over as many connections as it takes, up to `most`."""
    return uvloop.run(_opened(url, requests, rate, seconds, on_body, most))


class _Client(asyncio.Protocol):
    """One keep-alive connection; `done` is called with status and body."""

    def __init__(self, done: Callable[[_Client, int, bytes], None], lost: Callable[[_Client], None]) -> None:
        self._done, self._lost = done, lost
        self._seen = bytearray()
        self.begun = 0.0
        self.asked = 0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, wire: bytes, begun: float, asked: int) -> None:
        self.begun, self.busy, self.asked = begun, True, asked
        self.transport.write(wire)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._seen[:end]).lower()
        if b"transfer-encoding: chunked" in head:
            if not self._seen.endswith(b"0\r\n\r\n"):
                return
            body = bytes(self._seen[end + 4 :])
        else:
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._seen) < end + 4 + length:
                return
            body = bytes(self._seen[end + 4 : end + 4 + length])
        self._seen.clear()
        self.busy = False
        self._done(self, int(head[9:12]), body)

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost(self)


async def _closed(
    url: str, requests: Sequence[bytes], connections: int, seconds: float, warm: float, on_body: OnBody | None
) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    at, counting, stop = 0, False, False

    def done(client: _Client, status: int, body: bytes) -> None:
        now = time.perf_counter()
        if counting:
            load.latencies.setdefault(status, []).append(now - client.begun)
            if on_body:
                on_body(client.asked, status, body)
        if not stop:
            ask(client)

    def ask(client: _Client) -> None:
        nonlocal at
        at += 1
        client.ask(requests[at % len(requests)], time.perf_counter(), at % len(requests))

    def lost(client: _Client) -> None:
        load.unanswered += client.busy and counting and not stop

    parts = urlsplit(url)
    clients = [
        (await loop.create_connection(lambda: _Client(done, lost), parts.hostname, parts.port))[1]
        for _ in range(connections)
    ]
    for client in clients:
        ask(client)
    await asyncio.sleep(warm)
    counting, begin = True, time.perf_counter()
    await asyncio.sleep(seconds)
    counting, stop = False, True
    load.seconds = time.perf_counter() - begin
    for client in clients:
        client.transport.abort()  # type: ignore[attr-defined]
    return load


async def _opened(
    url: str, requests: Sequence[bytes], rate: float, seconds: float, on_body: OnBody | None, most: int
) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    parts = urlsplit(url)
    free: deque[_Client] = deque()
    waiting: deque[tuple[bytes, float, int]] = deque()
    clients: list[_Client] = []

    def done(client: _Client, status: int, body: bytes) -> None:
        load.latencies.setdefault(status, []).append(time.perf_counter() - client.begun)
        if on_body:
            on_body(client.asked, status, body)
        if waiting:
            client.ask(*waiting.popleft())
        else:
            free.append(client)

    def lost(client: _Client) -> None:
        load.unanswered += client.busy
        clients.remove(client)
        if client in free:
            free.remove(client)

    async def connect() -> None:
        _, client = await loop.create_connection(lambda: _Client(done, lost), parts.hostname, parts.port)
        clients.append(client)
        if waiting:
            client.ask(*waiting.popleft())
        else:
            free.append(client)

    chance = random.Random(1)
    begin = time.perf_counter()
    due, at, opening = begin, 0, set()
    while due < begin + seconds:
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        at += 1
        asked = at % len(requests)
        if free:
            free.pop().ask(requests[asked], due, asked)
        else:
            waiting.append((requests[asked], due, asked))
            if len(clients) + len(opening) < most:
                task = loop.create_task(connect())
                opening.add(task)
                task.add_done_callback(opening.discard)
        due += chance.expovariate(rate)
    load.seconds = seconds
    until = time.perf_counter() + 30
    while (waiting or any(client.busy for client in clients)) and time.perf_counter() < until:
        await asyncio.sleep(0.05)
    load.unanswered += len(waiting) + sum(client.busy for client in clients)
    for client in list(clients):
        client.busy = False
        client.transport.abort()  # type: ignore[attr-defined]
    return load
