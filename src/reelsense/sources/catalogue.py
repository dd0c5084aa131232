"""Opening a source by name, if the settings allow it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from reelsense.kept_secret import kept_secret
from reelsense.settings import Settings
from reelsense.sources import cgv, lotte, megabox, naver, naver_search
from reelsense.sources.base import Source
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.sites import require_allowed, require_site
from reelsense.types import KST

# Where a site lives, and its adapter. The names alone stand in `sites`, which is quick to import.
_SITES: dict[str, tuple[str, Callable[[PoliteSession, bytes, Callable[[], datetime]], Source]]] = {
    "megabox": (megabox.LIVE_URL, megabox.Megabox),
    "cgv": (cgv.LIVE_URL, cgv.Cgv),
    "lotte": (lotte.LIVE_URL, lotte.Lotte),
    "naver": (naver.LIVE_URL, naver.Naver),
    "naver_news": (naver_search.LIVE_URL, partial(naver_search.NaverSearch, kind="news")),
    "naver_blog": (naver_search.LIVE_URL, partial(naver_search.NaverSearch, kind="blog")),
}


def open_source(name: str, settings: Settings, now: datetime | Callable[[], datetime] | None = None) -> Source:
    """The named source. Raises NotThere for an unknown name and SourceOff when the settings do not allow it.

    A base URL on this machine (a devsite) is allowed.
    """
    require_site(name)
    require_allowed(name, settings)
    live_url, adapter = _SITES[name]
    session = PoliteSession(settings.crawl, name, settings.crawl.base_urls.get(name, live_url))
    clock = now if callable(now) else (lambda: now or datetime.now(KST))
    return adapter(session, author_salt(settings), clock)


def author_salt(settings: Settings) -> bytes:
    """The salt of author hashes: from the settings, or made once and kept in HOME, readable by its owner only."""
    given = settings.crawl.hash_salt.get_secret_value().strip() if settings.crawl.hash_salt is not None else ""
    if given:
        return given.encode()
    return kept_secret(settings.home / "salt")
