"""The names of the sites, and which of them are turned on; quick to import."""

from __future__ import annotations

from reelsense.settings import Settings
from reelsense.sources.loopback import is_here

SITE_NAMES = ("megabox", "cgv", "lotte", "naver", "naver_news", "naver_blog")


def is_on(name: str, settings: Settings) -> bool:
    """Whether a source may be crawled: named by an operator, or served by this machine."""
    base_url = settings.crawl.base_urls.get(name)
    return name in settings.crawl.enabled or (base_url is not None and is_here(base_url))
