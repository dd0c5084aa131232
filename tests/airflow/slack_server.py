"""Slack as far as reelsense speaks to it: an incoming webhook, and the Web API's four methods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local_server import local_server

WEBHOOK = "/services/T000/B000/webhook-secret"
TOKEN = "xoxb-bot-secret"
OWN_USER = "U0BOT"


@dataclass
class Slack:
    """What was asked of it, and what it knows. `away` makes it answer 503."""

    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    channel: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False

    @property
    def texts(self) -> list[str]:
        """Everything people can read there, in order."""
        return [str(body["text"]) for _, body in self.requests if "text" in body]


@contextmanager
def slack_server() -> Iterator[Slack]:
    """Running until the block ends."""
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = urlsplit(self.path).path
            if "json" in (self.headers.get("Content-Type") or ""):
                values = json.loads(body or "{}")
            else:
                values = {key: found[0] for key, found in parse_qs(body).items()}
            if slack.away:
                self.send(503, b"away")
            elif path == WEBHOOK:
                slack.requests.append((path, values))
                self.send(200, b"ok", "text/plain")
            elif path.startswith("/api/"):
                known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                self.send(
                    200,
                    json.dumps(
                        self.method(path[5:], values) if known else {"ok": False, "error": "invalid_auth"}
                    ).encode(),
                )
            else:
                self.send(404, b"no_service")

        def method(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
            if name == "auth.test":
                return {"ok": True, "user_id": OWN_USER}
            if name == "conversations.history":
                after = [row for row in slack.channel if float(row["ts"]) > float(values.get("oldest", 0))]
                return {"ok": True, "messages": list(reversed(after)), "response_metadata": {"next_cursor": ""}}
            if name == "chat.postMessage":
                slack.requests.append((name, values))
                return {"ok": True, "ts": "1.0"}
            return {"ok": False, "error": "unknown_method"}

        def send(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with local_server(Handler) as slack.url:
        yield slack
