"""Opening a source by name, if the settings allow it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from reelsense.errors import SourceError
from reelsense.kept_secret import kept_secret
from reelsense.settings import Settings
from reelsense.sources import cgv, lotte, megabox, naver, naver_search
from reelsense.sources.base import Source
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.sites import SITE_NAMES, require_allowed
from reelsense.types import KST

LIVE_URLS = {
    "megabox": megabox.LIVE_URL,
    "cgv": cgv.LIVE_URL,
    "lotte": lotte.LIVE_URL,
    "naver": naver.LIVE_URL,
    "naver_news": naver_search.LIVE_URL,
    "naver_blog": naver_search.LIVE_URL,
}


def open_source(name: str, settings: Settings, now: datetime | Callable[[], datetime] | None = None) -> Source:
    """The named source. Raises SourceError for an unknown name and SourceOff when the settings do not allow it.

    A base URL on this machine (a devsite) is allowed.
    """
    if name not in LIVE_URLS:
        near = difflib.get_close_matches(name, SITE_NAMES, n=1, cutoff=0.0)[0]
        raise SourceError(f"There is no source '{name}'; did you mean '{near}'? Known: {', '.join(SITE_NAMES)}.")
    require_allowed(name, settings)
    base_url = settings.crawl.base_urls.get(name, LIVE_URLS[name])
    session = PoliteSession(settings.crawl, name, base_url)
    clock = now if callable(now) else (lambda: now or datetime.now(KST))
    if name == "megabox":
        return megabox.Megabox(session, author_salt(settings), clock)
    if name == "cgv":
        return cgv.Cgv(session, author_salt(settings), clock)
    if name == "lotte":
        return lotte.Lotte(session, author_salt(settings), clock)
    if name == "naver":
        return naver.Naver(session, author_salt(settings), clock)
    kind: Literal["news", "blog"] = "news" if name == "naver_news" else "blog"
    return naver_search.NaverSearch(session, settings.crawl, kind, author_salt(settings), clock)


def author_salt(settings: Settings) -> bytes:
    """The salt of author hashes: from the settings, or made once and kept in HOME, readable by its owner only."""
    given = settings.crawl.hash_salt.get_secret_value().strip() if settings.crawl.hash_salt is not None else ""
    if given:
        return given.encode()
    return kept_secret(settings.home / "salt")
