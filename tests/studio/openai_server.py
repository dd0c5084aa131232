"""A model provider as far as the studio speaks to it: chat, images, moderation. It records, and fails as it is told."""

from __future__ import annotations

import base64
import json
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from local_server import local_server

KEY = "sk-studio-secret"
CHAT, IMAGES, MODERATIONS = "/v1/chat/completions", "/v1/images/generations", "/v1/moderations"


@dataclass
class Provider:
    """What was asked of it, and how it answers.

    `content` is what the chat model says (a mapping as JSON). `failures` are taken one a request, the last one stays:
    a status, "garbage" (no JSON), "empty" (JSON without what is promised), "refusal" (content policy), or "ok".
    """

    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    content: Any = "A quiet train under the moon"
    failures: list[int | Literal["garbage", "empty", "refusal", "ok"]] = field(default_factory=list)
    seconds: float = 0.0
    bad_words: tuple[str, ...] = ("금지어",)
    moderates: bool = True
    verdict: bool = True
    picture: bytes | None = None
    finish: str = "stop"

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The bodies of the requests to a path."""
        return [body for asked, body in self.requests if asked == path]


def png(colour: int) -> bytes:
    """A picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    dot = zlib.compress(bytes([0, colour % 256, colour // 256 % 256, 0]))
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


@contextmanager
def openai_server() -> Iterator[Provider]:
    """Running until the block ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            provider.requests.append((self.path, body))
            time.sleep(provider.seconds)
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                told = f"Incorrect API key provided: {self.headers.get('Authorization')}"
                return self.error(401, told, "invalid_api_key")
            if self.path == MODERATIONS:
                if not provider.moderates:
                    return self.error(404, "no such page", None)
                flagged = any(word in body["input"] for word in provider.bad_words)
                results = [{"flagged": flagged}] if provider.verdict else []
                return self.answer({"id": "m", "model": body["model"], "results": results})
            fails = provider.failures.pop(0) if len(provider.failures) > 1 else (provider.failures or ["ok"])[0]
            if isinstance(fails, int):
                return self.error(fails, f"failing with {fails}, key {KEY}", None)
            if fails == "garbage":
                return self.send(200, b"<html>{oops")
            if fails == "empty":
                return self.answer({"object": "nothing"})
            if fails == "refusal":
                return self.error(400, "Your request was rejected", "moderation_blocked")
            if self.path == CHAT:
                return self.answer(chat_answer(body))
            if self.path == IMAGES:
                before = sum(asked["n"] for asked in provider.asked(IMAGES)[:-1])
                made = [provider.picture or png(before + number) for number in range(body["n"])]
                data = [{"b64_json": base64.b64encode(one).decode()} for one in made]
                return self.answer({"created": 1, "data": data})
            return self.error(404, "unknown", None)

        def error(self, status: int, message: str, code: str | None) -> None:
            told = {"error": {"message": message, "type": "error", "param": None, "code": code}}
            self.send(status, json.dumps(told).encode())

        def answer(self, body: Any) -> None:
            self.send(200, json.dumps(body).encode())

        def send(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status in (429, 500):
                self.send_header("retry-after-ms", "1")  # tests do not wait for the client's patience
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    def chat_answer(body: dict[str, Any]) -> dict[str, Any]:
        said = provider.content
        message = {"role": "assistant", "content": said if isinstance(said, str) else json.dumps(said)}
        choice = {"index": 0, "finish_reason": provider.finish, "message": message}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}

    with local_server(Handler) as address:
        provider.url = f"{address}/v1"
        yield provider
