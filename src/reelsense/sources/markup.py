"""A site's HTML as a tree that can be searched in a time its size allows."""

from __future__ import annotations

from bs4 import BeautifulSoup
from lxml import etree  # type: ignore[import-untyped]

from reelsense.errors import SourceUnreadable
from reelsense.sources.parsing import storable

# The sites' pages nest some twenty deep. Each element is looked for among the descendants of all it lies in.
DEEPEST = 100


def parse_markup(markup: str, source: str) -> BeautifulSoup:
    """The tree. Raises SourceUnreadable for elements that lie more than 100 deep, as they do where none is closed."""
    # JSON may hold half an emoji, which no parser takes.
    markup = storable(markup)
    try:
        parser = etree.HTMLParser(target=_Depth())
        parser.feed(markup)
        parser.close()
    except _TooDeep:
        raise SourceUnreadable(
            f"{source}: the page nests more than {DEEPEST} deep; the site may have changed."
        ) from None
    except etree.LxmlError:
        pass  # as of an empty page; the tree's own parser bears with it
    return BeautifulSoup(markup, "lxml")


class _TooDeep(Exception):  # noqa: N818 - never leaves this module
    """Elements in elements without end."""


class _Depth:
    """Follows a parser through a page."""

    def __init__(self) -> None:
        self._depth = 0

    def start(self, *_: object) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _TooDeep

    def end(self, _: object) -> None:
        self._depth -= 1

    def close(self) -> None:
        """The end of the page."""
