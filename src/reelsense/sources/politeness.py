"""HTTP with manners: robots.txt first, pauses, Retry-After, retries, and a stop when a site refuses us."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import requests
import structlog
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from reelsense.errors import SettingsError, SourceBlocked, SourceUnreadable
from reelsense.sections import CrawlSettings
from reelsense.sources.loopback import is_here

log = structlog.get_logger()

# A site that asks for a longer pause is left alone instead.
_LONGEST_PAUSE_SECONDS = 120.0
_REFUSALS = (401, 403)
_BLOCK = 1 << 16
_MOST_REDIRECTS = 5
# A body that drips for this many time-outs is given up.
_BODY_TIMEOUTS = 6
# The turns of one process's sessions at one host: two sources on one host share its pauses.
_turns: dict[str, _Turn] = {}
_turns_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status and body; `moved_to` is where a redirect points."""

    status: int
    body: bytes
    moved_to: str | None = None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", "replace")


class _Turn:
    """When a host may be asked next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_at = float("-inf")

    def take(self, now: float, pause: float) -> float:
        """Seconds to wait before asking; the turn after it begins `pause` seconds later."""
        with self._lock:
            begin = max(now, self._next_at)
            self._next_at = begin + pause
        return begin - now


class _Transient(Exception):  # noqa: N818 - never leaves this module
    """Worth another try; `pause` is what the site asked for, in seconds."""

    def __init__(self, reason: str, pause: float | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.pause = pause
        self.status = status


class PoliteSession:
    """Requests to one source; a refusal by the site ends them all (circuit breaker).

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
        try:
            self._host = urlsplit(base_url).netloc
        except ValueError as error:
            raise SettingsError(f"crawl.base_urls.{source}: '{base_url}' is no address: {error}.") from None
        self.crawl = crawl
        self._sleep = sleep
        self._clock = clock
        self._refused: str | None = None
        self._robots_lock = threading.Lock()
        self._delay = crawl.min_delay_seconds
        with _turns_lock:
            # A clock of its own (a test's) makes a turn of its own.
            self._turn = _turns.setdefault(self._host, _Turn()) if clock is time.monotonic else _Turn()
        self._robots: RobotFileParser | None = None
        self._http = requests.Session()
        self._http.headers["User-Agent"] = crawl.user_agent
        # A proxy of the environment can't reach a devsite on this machine.
        self._http.trust_env = not is_here(self.base_url)

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
        for _ in range(_MOST_REDIRECTS + 1):
            if self._refused is not None:
                raise SourceBlocked(self._refused)
            if not self._allowed(url):
                raise self._open_circuit(f"robots.txt of {self._host} does not allow {urlsplit(url).path}")
            answer = self._with_retries(method, url, **extra)
            if answer.moved_to is None:
                return answer
            url = self._followed(url, answer)
            if answer.status not in (307, 308):
                method, extra = "GET", {"headers": extra.get("headers")}
        raise SourceUnreadable(f"{self.source}: {path} is redirected without end.")

    def _followed(self, url: str, answer: Answer) -> str:
        """The new address, if it is on the same host: no other site has been allowed by the operator."""
        try:
            target = urljoin(url, answer.moved_to or "")
            old, new = urlsplit(url), urlsplit(target)
        except ValueError as error:
            raise SourceUnreadable(f"{self.source}: {urlsplit(url).path} is redirected to no address.") from error
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            raise SourceUnreadable(
                f"{self.source}: {old.path} is redirected to another site ({new.scheme}://{new.netloc}), which is not "
                f"followed; if the source has moved set crawl.base_urls.{self.source}."
            )
        return target

    def _allowed(self, url: str) -> bool:
        with self._robots_lock:
            if self._robots is None:
                self._robots = self._read_robots(url)
            return self._robots.can_fetch(self.crawl.user_agent, url)

    def _read_robots(self, url: str) -> RobotFileParser:
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}/robots.txt"
        try:
            answer = self._with_retries("GET", address, refusals=False)
            for _ in range(_MOST_REDIRECTS):
                if answer.moved_to is None:
                    break
                answer = self._with_retries("GET", self._followed(address, answer), refusals=False)
        except SourceUnreadable as error:
            # Unreachable rules forbid everything (RFC 9309, 2.3.1.4).
            raise self._open_circuit(f"robots.txt can't be read, which counts as a refusal ({error})") from error
        robots = RobotFileParser()
        try:
            # No robots.txt means no rules (RFC 9309, 2.3.1.3).
            robots.parse(answer.text.splitlines() if answer.status == 200 else [])
            asked = float(robots.crawl_delay(self.crawl.user_agent) or 0)
        except (ValueError, OverflowError) as error:  # an address or a number that is none
            raise self._open_circuit(f"robots.txt can't be understood, which counts as a refusal ({error})") from error
        if asked > _LONGEST_PAUSE_SECONDS:
            raise self._open_circuit(f"robots.txt of {self._host} asks for {asked:.0f} s between requests")
        self._delay = max(self.crawl.min_delay_seconds, asked)
        return robots

    def _with_retries(self, method: str, url: str, refusals: bool = True, **extra: Any) -> Answer:
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(_Transient),
                stop=stop_after_attempt(self.crawl.retries + 1),
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
        if self._refused is not None:  # by now, to another thread
            raise SourceBlocked(self._refused)
        try:
            with self._http.request(
                method, url, timeout=self.crawl.timeout_seconds, stream=True, allow_redirects=False, **extra
            ) as response:
                status = response.status_code
                if status == 429 or status >= 500:
                    raise _Transient(f"HTTP {status}", _retry_after(response.headers.get("Retry-After")), status)
                if status in _REFUSALS and refusals:
                    raise self._open_circuit(f"{self._host} answered {status} to {urlsplit(url).path}")
                if response.is_redirect:
                    return Answer(status, b"", response.headers.get("Location"))
                return Answer(status, self._body(response))
        except (
            requests.ConnectionError,
            requests.Timeout,
            # What reading a body raises.
            urllib3.exceptions.HTTPError,
        ) as error:
            raise _Transient(type(error).__name__) from error
        except (requests.RequestException, ValueError) as error:  # the second for a redirect to what is no address
            raise SourceUnreadable(f"{self.source}: {urlsplit(url).path}: {type(error).__name__}.") from error

    def _body(self, response: requests.Response) -> bytes:
        most = int(self.crawl.max_body_megabytes * 1_000_000)
        body = bytearray()
        until = self._clock() + _BODY_TIMEOUTS * self.crawl.timeout_seconds
        # read1 gives what has come; iter_content would wait for a whole block, however long that drips.
        while block := response.raw.read1(_BLOCK, decode_content=True):
            body += block
            if self._clock() > until:
                raise _Transient("the body drips too slowly")
            if len(body) > most:
                raise SourceUnreadable(
                    f"{self.source}: an answer is larger than {self.crawl.max_body_megabytes:g} MB; "
                    "raise crawl.max_body_megabytes if that is right."
                )
        return bytes(body)

    def _wait_for_turn(self) -> None:
        if self._delay <= 0:
            return
        pause = self._delay + random.uniform(0, self.crawl.jitter_seconds)
        wait = self._turn.take(self._clock(), pause)
        if wait > 0:
            self._sleep(wait)

    def _pause_after(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Transient) and error.pause is not None:
            if error.pause > _LONGEST_PAUSE_SECONDS:
                raise self._open_circuit(f"{self._host} asks for a pause of {error.pause:.0f} s")
            return error.pause
        # Doubling from the usual delay; with no delay set (a devsite) hardly any.
        return float(max(self.crawl.min_delay_seconds, 0.01) * 2 ** (state.attempt_number - 1))

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
    except (TypeError, ValueError, OverflowError):
        return None
