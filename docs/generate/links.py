"""Links of Markdown files: right where the files lie in the repository, and right on the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\]\([^)]*\))*)\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def links(markdown: str) -> Iterator[tuple[str, str]]:
    """Text and target of every link and image of a page, code left out."""
    for found in _LINK.finditer(_FENCED.sub("", markdown)):
        yield found["text"], found["target"]
        yield from links(found["text"])


def site_links(markdown: str, place: str, source: str, known: Mapping[str, str], root: Path) -> str:
    """The page with its links bent to the site.

    `place` is where the page lies in the repository, `source` its address on the site, `known` maps places to
    addresses. A file of the repository that is not on the site is named without a link.
    """

    def bent(found: re.Match[str]) -> str:
        target, mark, anchor = found["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
        if file in known:
            address = posixpath.relpath(known[file], posixpath.dirname(source) or ".")
            return f"{found['image']}[{found['text']}]({address}{mark}{anchor})"
        return found["text"] if (root / file).exists() else found[0]

    return _LINK.sub(bent, markdown)
