"""Whether an address, or all of reelsense, lies on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from reelsense.settings import Settings


def all_here(settings: Settings) -> bool:
    """Whether store and API are this machine's own, so that there is one person only.

    A page may stand before an API of many people while it knows of no database itself.
    """
    links = settings.links
    return settings.embedded and links.api_key is None and (not links.api or is_here(links.api))


def is_here(url: str) -> bool:
    """Whether the host of `url` is a loopback address or localhost; what is no address is not."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host in lower case, without port and brackets, is this machine's loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
