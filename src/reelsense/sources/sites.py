"""The names of the sites, and which of them the settings allow to be crawled; quick to import."""

from __future__ import annotations

from typing import Literal

from reelsense.errors import NotThere, SourceOff
from reelsense.settings import Settings
from reelsense.sources.loopback import is_here

SITE_NAMES = ("megabox", "cgv", "lotte", "naver", "naver_news", "naver_blog")
# The setting that allows a site. One that is allowed can be switched off while all runs: store/switches.py.
ALLOWING = "REELSENSE_CRAWL__ENABLED"


def allowed_by(name: str, settings: Settings) -> Literal["enabled", "local"] | None:
    """Why a site may be crawled: named by an operator, or served by this machine; None when it may not."""
    if name in settings.crawl.enabled:
        return "enabled"
    base_url = settings.crawl.base_urls.get(name)
    return "local" if base_url is not None and is_here(base_url) else None


def require_allowed(name: str, settings: Settings) -> None:
    """Raises SourceOff when the settings do not allow the site."""
    if allowed_by(name, settings) is None:
        raise SourceOff(
            f"{name} is off: live crawling starts only when an operator has read its robots.txt and terms and named it "
            f"in {ALLOWING}. To try without a site: reelsense devsite."
        )


def schedule_of(name: str, settings: Settings) -> str:
    """How often the site is crawled, where it is allowed: daily, unless the settings say otherwise."""
    return settings.crawl.schedule.get(name, "@daily")


def require_site(name: str) -> None:
    """Raises NotThere for a name that is no site's."""
    if name not in SITE_NAMES:
        raise NotThere(f"There is no source '{name}'. Known: {', '.join(SITE_NAMES)}.")
