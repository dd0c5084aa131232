"""The fences of the documentation: which commands a test runs, and how the marks look to a reader.

After the language a fence may say: `no-run reason="needs Docker"`; `needs="corpus"`, run where that is at hand;
`server="http://127.0.0.1:8000/readyz"`, goes on running to the end of the page, and is ready when the address answers;
`exit="1"`; and a block of text, `output`: what the block before it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent> *)(?P<mark>```+)(?P<info>[^`]*)$")
_OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?')
SHELLS = ("bash", "console")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code of a page; `line` is that of its first mark."""

    line: int
    language: str
    options: dict[str, str]
    text: str

    @property
    def runs(self) -> bool:
        """Whether a test runs it."""
        return "no-run" not in self.options


def fences(markdown: str) -> Iterator[Fence]:
    """The blocks of a page in order, without the indentation of a list that they stand in."""
    opened: re.Match[str] | None = None
    begin, lines = 0, list[str]()
    for number, line in enumerate(markdown.splitlines(), 1):
        if opened is None:
            opened, begin, lines = _FENCE.match(line), number, []
        elif line.strip() == opened["mark"]:
            language, _, rest = opened["info"].strip().partition(" ")
            options = dict(_OPTION.findall(rest))
            yield Fence(begin, language, options, "".join(f"{one}\n" for one in lines))
            opened = None
        else:
            lines.append(line.removeprefix(opened["indent"]))


def shown_fences(markdown: str) -> str:
    """The page with the reason that a block is not run as its title; other marks are the test's alone."""

    def shown(found: re.Match[str]) -> str:
        language, _, rest = found["info"].strip().partition(" ")
        options = dict(_OPTION.findall(rest))
        said = options.get("reason") or (f"needs the {options['needs']}" if "needs" in options else "")
        title = f' title="{said}"' if said else ""
        return f"{found['indent']}{found['mark']}{language}{title}"

    return "\n".join(_FENCE.sub(shown, line) for line in markdown.splitlines()) + "\n"
