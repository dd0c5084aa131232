"""Around every request: an id, limits on its size and time, what it is counted and logged as."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence

import structlog
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import problem
from app.routes import predict
from reelsense.errors import Overloaded, ReelsenseError, TimedOut, TooLarge
from reelsense.serving.service import Service

log = structlog.get_logger()

# Ids of requests that bring none: unique without asking the system for each.
_PROCESS = os.urandom(6).hex()
_numbers = itertools.count()
_REQUEST_ID = re.compile(rb"[\w.-]{1,64}")
# A client that goes away later than this frees its place; most answers are given before.
_WATCH_SECONDS = 0.05
# Logged even where an access log is kept elsewhere.
_SLOW_SECONDS = 1.0
# Paths whose bodies may be files, and the setting that limits them.
_FILES = {
    "/v1/predict/file": "upload_megabytes",
    "/v1/files/preview": "job_megabytes",
    "/v1/jobs": "job_megabytes",
}
# Always answered: who looks after the service must get through.
_VITAL = frozenset({"/healthz", "/readyz", "/metrics"})
_SAFE_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Observing:
    """ASGI middleware. `direct` routes are called from here: the way through the router costs as much as an answer."""

    def __init__(self, app: ASGIApp, direct: Sequence[predict.DirectRoute] = ()) -> None:
        self._app = app
        self._direct = {(method, route.path): route for route in direct for method in route.methods}
        self._in_flight = 0
        self._most: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._in_flight += 1
        if self._loop is None:  # asked for once: each time costs a call of the system
            self._loop = asyncio.get_running_loop()
        service = scope["reelsense.service"] = scope["app"].state.service
        most = self._most.get(scope["path"]) or self._limit(scope["path"], service)
        exchange = _Exchange(scope, receive, send, service, most, self._loop)
        route = self._direct.get((scope["method"], scope["path"]))
        if route is not None:
            scope["route"] = route
        try:
            await exchange.run(self._app if route is None else route.app, self._in_flight)
        finally:
            self._in_flight -= 1
            exchange.end()

    def _limit(self, path: str, service: Service) -> int:
        settings = service.settings.serving
        for known in (predict.PATH, *_FILES):
            self._most[known] = int(getattr(settings, _FILES.get(known, "body_megabytes")) * 1_000_000)
        return self._most.get(path, self._most[predict.PATH])


class _Exchange:
    """One request and its answer. Most are over before the first timer rings, so there is little until then."""

    __slots__ = (
        *("_scope", "_receive", "_send", "_service", "_settings", "_begin", "_id", "_most", "_announced", "_taken"),
        *("_status", "_complete", "_lingers", "_gone", "_late", "_task", "_loop", "_timer", "_watch"),
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, service: Service, most: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._scope, self._receive, self._send, self._service = scope, receive, send, service
        self._settings = service.settings.serving
        self._begin = time.perf_counter()
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        scope["reelsense.headers"] = headers
        given = headers.get(b"x-request-id")
        self._id = given.decode() if given and _REQUEST_ID.fullmatch(given) else f"{_PROCESS}{next(_numbers):08x}"
        scope["reelsense.request_id"] = self._id
        self._most = most
        length = headers.get(b"content-length", b"0")
        self._announced = int(length) if length.isdigit() else 0
        self._taken = 0
        self._status = 0
        self._complete = self._lingers = self._gone = self._late = False
        self._loop = loop
        self._task = asyncio.current_task(loop)
        self._timer = self._loop.call_later(_WATCH_SECONDS, self._linger)
        self._watch: asyncio.Task[None] | None = None

    async def run(self, app: ASGIApp, in_flight: int) -> None:
        """Answer, whatever happens, unless the client has gone."""
        try:
            if in_flight > self._settings.in_flight and self._scope["path"] not in _VITAL:
                raise Overloaded("The service is at its limit: try again in a moment.", 1.0)
            if self._announced > self._most:
                raise self._too_large()
            await app(self._scope, self.receive, self.send)
        except asyncio.CancelledError:
            if self._task is None or not (self._gone or self._late):
                raise
            self._task.uncancel()
            if self._late:
                await self._answer(TimedOut(f"No answer within {self._settings.timeout_seconds:g} s."))
        except (ReelsenseError, ValidationError) as error:
            await self._answer(error)
        except Exception as error:  # the last resort: the client gets an answer, the log the reason
            log.exception("request_failed", request_id=self._id, path=self._scope["path"])
            await self._answer(error)

    async def receive(self) -> Message:
        """The body within its limit; each piece gives the client more time to send the next."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > self._most:
                raise self._too_large()
            self._complete = not message.get("more_body")
            if self._lingers:
                self._linger()
        return message

    async def send(self, message: Message) -> None:
        """Pass on; the time-out is for the beginning of an answer, a download may take its time."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._timer.cancel()
            message["headers"] = [*message["headers"], (b"x-request-id", self._id.encode()), *_SAFE_HEADERS]
        await self._send(message)

    def end(self) -> None:
        """Count and log."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        seconds = time.perf_counter() - self._begin
        path = getattr(self._scope.get("route"), "path", "other")
        status = 499 if self._gone else self._status or 500
        self._service.metrics.answered(path, status, seconds)
        if "reelsense.problem" in self._scope:
            self._service.metrics.refused(self._scope["reelsense.problem"])
        # What was refused for want of room is counted; a line for each would take the room of others.
        failed = status >= 500 and status != 503
        if self._settings.access_log or failed or seconds > _SLOW_SECONDS:
            log.info(
                "request",
                request_id=self._id,
                method=self._scope["method"],
                path=path,
                status=status,
                ms=round(seconds * 1000, 2),
                key_id=self._scope.get("reelsense.key"),
                model_version=self._service.engine.version,
            )

    async def _answer(self, error: Exception) -> None:
        if not self._status:
            await problem(self._scope, error)(self._scope, self._receive, self.send)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._most / 1_000_000:g} MB.")

    def _rearm(self, seconds: float, then: Callable[[], None]) -> None:
        if not self._status:
            self._timer.cancel()
            self._timer = self._loop.call_later(seconds, then)

    def _linger(self) -> None:
        """It takes longer than most: from now on see whether the client stays, and when its time is over."""
        self._lingers = True
        if self._complete and self._watch is None:
            self._watch = self._loop.create_task(self._until_gone())
        self._rearm(self._settings.timeout_seconds, self._expire)

    def _expire(self) -> None:
        if self._task is not None and not self._status:
            self._late = True
            self._task.cancel()

    async def _until_gone(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._status and self._task is not None:
            self._gone = True
            self._task.cancel()
