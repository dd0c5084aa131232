"""Text of others for a terminal or a log: it says what it says, and moves no cursor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

# C0 but tab and line feed, DEL, C1, the two separators that some readers break lines at, and what turns text around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with each character that a terminal would obey as its code, line feeds and tabs excepted.

    >>> printable("좋다\\x1b[2J")
    '좋다\\\\x1b[2J'
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """The same on one line.

    >>> one_line("좋다\\n2026-01-01 [error]")
    '좋다\\\\n2026-01-01 [error]'
    """
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def cell(text: str) -> Text:
    """Text of others in a table of the terminal: no markup, on one line, and nothing that the terminal would obey."""
    from rich.text import Text  # the API's log has no need of it

    return Text(one_line(text))
