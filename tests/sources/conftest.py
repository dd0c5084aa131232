"""A site whose every answer a test decides, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from local_server import local_server
from odd_replies import Asked, OddSite

from reelsense.sections import CrawlSettings
from reelsense.settings import Settings


@pytest.fixture
def odd_site() -> Iterator[OddSite]:
    site = OddSite()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if self.path == "/robots.txt":
                site.robots_asked += 1
                reply = site.robots
            else:
                asked = Asked(self.command, self.path, body, dict(self.headers))
                site.asked.append(asked)
                reply = site.answer(asked)
            whole = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(whole)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(whole if reply.cut_after is None else whole[: reply.cut_after])
            self.wfile.flush()
            if reply.cut_after is not None:
                self.close_connection = True

        do_POST = do_GET  # noqa: N815 - http.server's own name

        def log_message(self, format: str, *args: object) -> None:
            pass

    with local_server(Handler) as site.url:
        yield site


@pytest.fixture
def hasty() -> CrawlSettings:
    """No pauses: the site is our own."""
    return CrawlSettings(min_delay_seconds=0, retries=4, timeout_seconds=5)


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[[dict[str, str]], Settings]:
    def made(base_urls: dict[str, str], **crawl: Any) -> Settings:
        values = {"min_delay_seconds": 0, "retries": 6, "base_urls": base_urls, **crawl}
        return Settings(home=tmp_path / "home", crawl=CrawlSettings(**values))

    return made
