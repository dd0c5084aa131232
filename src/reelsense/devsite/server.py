"""The devsite: a local HTTP server that answers like the review sites, faults included.

Each site lies under its own path (`/megabox`, `/cgv`, `/lotte`, `/naver`, `/openapi`). `POST /_devsite` with
`{"until": "2015-06-03", "faults": {"error_rate": 0.1}}` changes what is shown and what goes wrong while it runs.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog

from reelsense.devsite import cgv, lotte, megabox, naver
from reelsense.devsite.faults import Faults, Mischief
from reelsense.devsite.library import SITES, Library
from reelsense.devsite.pages import Shelf
from reelsense.errors import InputError
from reelsense.types import KST

log = structlog.get_logger()

_ANSWERS = {
    "megabox": megabox.answer,
    "cgv": cgv.answer,
    "lotte": lotte.answer,
    "naver": naver.answer,
    "openapi": naver.search,
}
_CONTROL = "/_devsite"
_POSTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="460"><rect width="320" height="460" fill="#2b2d42"/>'
    '<circle cx="160" cy="200" r="90" fill="#ef8354"/></svg>'
)


@dataclass(slots=True)
class Devsite:
    """A running server. Changes take effect with the next request."""

    url: str
    library: Library
    mischief: Mischief
    now: datetime | None = None
    request_count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def base_urls(self) -> dict[str, str]:
        """Source names to base URLs, for `crawl.base_urls`."""
        urls = {site: f"{self.url}/{site}" for site in SITES}
        return urls | {"naver_news": f"{self.url}/openapi", "naver_blog": f"{self.url}/openapi"}

    def set_until(self, until: date | None) -> None:
        """Hide what was written after this Korean day."""
        self.library.until = until

    def set_faults(self, faults: Faults) -> None:
        """Let other things go wrong."""
        self.mischief = Mischief(faults)

    def shelf(self) -> Shelf:
        """What the sites' formats are made from at this moment."""
        return Shelf(self.library, self.mischief, self.now or _clock(self.library))

    def counted(self) -> int:
        """The number of the request that has just come."""
        with self._lock:
            self.request_count += 1
            return self.request_count


@contextmanager
def serve(
    library: Library,
    faults: Faults | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    now: datetime | None = None,
) -> Iterator[Devsite]:
    """Serve in the background until the block ends. Port 0 takes a free one."""
    server = _Server((host, port), _Handler)
    site = Devsite(f"http://{host}:{server.server_port}", library, Mischief(faults or Faults()), now)
    server.site = site
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _clock(library: Library) -> datetime:
    """Without a clock of its own a devsite lives in the evening of the last day it shows."""
    if library.until is not None:
        return datetime.combine(library.until, datetime.min.time(), KST) + timedelta(hours=23, minutes=59)
    return datetime.now(KST)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The default of 5 lets a sixth of several crawlers that start at once wait a second.
    request_queue_size = 128
    site: Devsite

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        try:
            super().__init__(address, handler)
        except (OSError, OverflowError) as error:
            raise InputError(f"a devsite can't listen at {address[0]}:{address[1]} ({error}); try port 0.") from error

    def get_request(self) -> tuple[socket.socket, Any]:
        request, address = super().get_request()
        with self._open_lock:
            self._open.add(request)
        return request, address

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Also ends the kept-alive connections, which would go on being answered."""
        super().server_close()
        with self._open_lock:
            for request in self._open:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away (a killed crawl, say) is no news; anything else is."""
        error = sys.exc_info()[1]
        if isinstance(error, ConnectionError):
            log.debug("devsite_client_gone", reason=type(error).__name__)
        else:
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet an answer: header and body in two make keep-alive wait for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._body()  # an unread one would be taken for the next request
        self._answer(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

    def do_POST(self) -> None:
        body = self._body()
        # A control request is JSON whatever `curl -d` calls it.
        control = urlsplit(self.path).path == _CONTROL
        self._answer(_posted(body, "json" if control else self.headers.get("Content-Type") or ""))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length") or ""
        return self.rfile.read(int(length)) if length.isdecimal() else b""

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("devsite_request", line=format % args)

    def _answer(self, values: Mapping[str, Any]) -> None:
        site = self.server.site
        path = urlsplit(self.path).path
        if path == _CONTROL:
            self._control(values)
            return
        number = site.counted()
        if path.endswith("/robots.txt"):
            rule = "Disallow: /" if site.mischief.faults.robots_disallow else "Allow: /"
            self._send(200, "text/plain", f"User-agent: *\n{rule}\n".encode())
            return
        if self._strike(site.mischief, number):
            return
        name, _, rest = path.lstrip("/").partition("/")
        if path.endswith(".svg"):
            self._send(200, "image/svg+xml", _POSTER.encode())
            return
        if name == "openapi" and not naver.has_key(self.headers):
            self._send(401, "application/json", b'{"errorMessage": "Authentication failed", "errorCode": "024"}')
            return
        try:
            found = _ANSWERS[name](site.shelf(), f"/{rest}", values) if name in _ANSWERS else None
        except (ValueError, TypeError) as error:
            self._send(400, "text/plain", str(error).encode())
            return
        if found is None:
            self._send(404, "text/plain", b"no such page")
            return
        self._send(200, f"{found[0]}; charset=utf-8", found[1].encode("utf-8", "surrogatepass"), site.mischief)

    def _strike(self, mischief: Mischief, number: int) -> bool:
        """Whether the request ends in a fault before a page is made."""
        faults = mischief.faults
        if faults.latency_ms:
            time.sleep(faults.latency_ms / 1000)
        if faults.forbidden_after and number >= faults.forbidden_after:
            self._send(403, "text/html", b"Access Denied")
        elif faults.rate_limit_every and number % faults.rate_limit_every == 0:
            self._send(429, "text/plain", b"slow down", headers={"Retry-After": "0"})
        elif mischief.strikes(faults.error_rate):
            self._send(503 if number % 2 else 500, "text/html", b"<h1>Service Unavailable</h1>")
        else:
            return False
        return True

    def _control(self, values: Mapping[str, Any]) -> None:
        site = self.server.site
        try:
            unknown = set(values) - {"until", "faults"}
            if unknown or (self.command == "POST" and not values):
                raise ValueError('expected {"until": "YYYY-MM-DD" or null, "faults": {…}}, one or both')
            faults = Faults.parse(values["faults"]) if "faults" in values else None
            if "until" in values:
                site.set_until(date.fromisoformat(values["until"]) if values["until"] else None)
            if faults is not None:
                site.set_faults(faults)
        except (ValueError, TypeError) as error:
            self._send(400, "text/plain", str(error).encode())
            return
        until = site.library.until
        state = {"until": until.isoformat() if until else None, "requests": site.request_count}
        self._send(200, "application/json", json.dumps(state).encode())

    def _send(
        self,
        status: int,
        kind: str,
        body: bytes,
        mischief: Mischief | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        broken_off = False
        whole = body
        if mischief is not None:
            body = whole = mischief.padded(body)
            if mischief.strikes(mischief.faults.malformed_rate):
                body = whole = body[: mischief.cut(body)]
            elif mischief.strikes(mischief.faults.truncate_rate):
                body, broken_off = body[: mischief.cut(body)], True
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(whole)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            broken_off = True
        if broken_off:
            self.close_connection = True


def _posted(body: bytes, kind: str) -> dict[str, Any]:
    """A JSON or form body as values."""
    if "json" in kind:
        try:
            values = json.loads(body or b"{}")
        except ValueError:
            return {}
        return {
            key: value if key == "faults" or value is None else str(value)
            for key, value in (values.items() if isinstance(values, dict) else ())
        }
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
