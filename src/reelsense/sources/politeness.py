"""HTTP with manners: robots.txt first, pauses, Retry-After, retries, and a stop when a site refuses us."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import requests
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from reelsense.errors import SourceBlocked, SourceUnreadable
from reelsense.settings import CrawlSettings

log = structlog.get_logger()

# A site that asks for a longer pause is left alone instead.
_LONGEST_PAUSE_SECONDS = 120.0
_REFUSALS = (401, 403)
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status and body."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The parsed body, with or without BOM. Raises ValueError."""
        return json.loads(self.text)


class _Transient(Exception):
    """Worth another try; `pause` is what the site asked for, in seconds."""

    def __init__(self, reason: str, pause: float | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.pause = pause
        self.status = status


class PoliteSession:
    """Requests to one source.

    `sleep` and `clock` are injected by tests. Safe to use from several threads.
    """

    def __init__(
        self,
        crawl: CrawlSettings,
        source: str,
        base_url: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self.base_url = base_url.rstrip("/")
        self._crawl = crawl
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._refused: str | None = None
        self._robots: RobotFileParser | None = None
        self._http = requests.Session()
        self._http.headers["User-Agent"] = crawl.user_agent

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET below the base URL. Raises SourceBlocked or SourceUnreadable; 404 and the like are answers."""
        return self._request("GET", path, params=params, headers=headers)

    def post(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST a JSON `payload` or a `form` below the base URL."""
        return self._request("POST", path, json=payload, data=form, headers=headers)

    def _request(self, method: str, path: str, **extra: Any) -> Answer:
        url = f"{self.base_url}{path}"
        if self._refused is not None:
            raise SourceBlocked(self._refused)
        if not self._allowed(url):
            raise self._open_circuit(f"robots.txt of {self._host} does not allow {path}")
        return self._with_retries(method, url, **extra)

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).netloc

    def _allowed(self, url: str) -> bool:
        if self._robots is None:
            robots = RobotFileParser()
            parts = urlsplit(url)
            answer = self._with_retries("GET", f"{parts.scheme}://{parts.netloc}/robots.txt", refusals=False)
            # No robots.txt means no rules (RFC 9309, 2.3.1.3).
            robots.parse(answer.text.splitlines() if answer.status == 200 else [])
            self._robots = robots
        return self._robots.can_fetch(self._crawl.user_agent, url)

    def _with_retries(self, method: str, url: str, refusals: bool = True, **extra: Any) -> Answer:
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(_Transient),
                stop=stop_after_attempt(self._crawl.retries + 1),
                wait=self._pause_after,
                sleep=self._sleep,
                reraise=True,
            ):
                with attempt:
                    return self._once(method, url, refusals, **extra)
        except _Transient as error:
            if error.status == 429:
                raise self._open_circuit(f"{self._host} keeps answering 429 (too many requests)") from None
            raise SourceUnreadable(f"{self.source}: {urlsplit(url).path} stays unreadable: {error}") from None
        raise AssertionError("unreachable")

    def _once(self, method: str, url: str, refusals: bool, **extra: Any) -> Answer:
        self._wait_for_turn()
        try:
            with self._http.request(
                method, url, timeout=self._crawl.timeout_seconds, stream=True, allow_redirects=False, **extra
            ) as response:
                status = response.status_code
                if status == 429 or status >= 500:
                    raise _Transient(f"HTTP {status}", _retry_after(response.headers.get("Retry-After")), status)
                if status in _REFUSALS and refusals:
                    raise self._open_circuit(f"{self._host} answered {status} to {urlsplit(url).path}")
                if response.is_redirect:
                    raise SourceUnreadable(f"{self.source}: {url} moved to {response.headers.get('Location')}.")
                return Answer(status, self._body(response))
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _Transient(type(error).__name__) from error

    def _body(self, response: requests.Response) -> bytes:
        most = int(self._crawl.max_body_megabytes * 1_000_000)
        body = bytearray()
        for block in response.iter_content(_BLOCK):
            body += block
            if len(body) > most:
                raise SourceUnreadable(
                    f"{self.source}: an answer is larger than {self._crawl.max_body_megabytes:g} MB; "
                    "raise crawl.max_body_megabytes if that is right."
                )
        return bytes(body)

    def _wait_for_turn(self) -> None:
        delay = self._crawl.min_delay_seconds
        if delay <= 0:
            return
        with self._lock:
            now = self._clock()
            begin = max(now, self._next_at)
            self._next_at = begin + delay + random.uniform(0, self._crawl.jitter_seconds)
        if begin > now:
            self._sleep(begin - now)

    def _pause_after(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Transient) and error.pause is not None:
            if error.pause > _LONGEST_PAUSE_SECONDS:
                raise self._open_circuit(f"{self._host} asks for a pause of {error.pause:.0f} s")
            return error.pause
        # Doubling from the usual delay; with no delay set (a devsite) hardly any.
        return float(max(self._crawl.min_delay_seconds, 0.01) * 2 ** (state.attempt_number - 1))

    def _open_circuit(self, why: str) -> SourceBlocked:
        self._refused = (
            f"{self.source}: {why}. The source is left alone from here on; do not work around it, ask the site or turn "
            "the source off."
        )
        log.warning("source_blocked", source=self.source, reason=why)
        return SourceBlocked(self._refused)


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
