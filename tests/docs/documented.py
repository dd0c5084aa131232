"""What the documentation says one can do: its pages, and the commands in them."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generate.commands import command_tree, walk
from generate.fences import SHELLS, Fence, fences

ROOT = Path(__file__).resolve().parents[2]
# Pages whose blocks are run, and further ones whose commands have to be right.
RUN = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
PAGES = (*RUN, *sorted((ROOT / "deploy").rglob("*.md")), ROOT / "benchmarks" / "README.md", ROOT / "CONTRIBUTING.md")
# Words of the shell that stand before a command.
_BEFORE = {"if", "then", "do", "else", "while", "until", "!", "time", "exec", "nice", "sudo", "$"}
_INLINE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """A use of `reelsense`; `whole` where it is to be typed as it stands, not only named."""

    page: Path
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page.name}: reelsense {shlex.join(self.words)}"


def blocks(page: Path) -> list[Fence]:
    """The fenced blocks of a page."""
    return list(fences(page.read_text(encoding="utf-8")))


def is_followed(fence: Fence) -> bool:
    """Whether a test does what a block says, or compares it with what the one before said."""
    return (fence.language in (*SHELLS, "python") and fence.runs) or "output" in fence.options


def typed(fence: Fence) -> str:
    """The shell's part of a block: of a console's, what stands after the prompts."""
    if fence.language != "console":
        return fence.text
    taken, going_on = [], False
    for line in fence.text.splitlines():
        if going_on or line.startswith("$ "):
            taken.append(line if going_on else line.removeprefix("$ "))
            going_on = line.endswith("\\")
    return "\n".join(taken) + "\n"


def commands(page: Path) -> Iterator[Command]:
    """Every use of the command line on a page, in blocks and in the text."""
    for fence in blocks(page):
        if fence.language in (*SHELLS, ""):
            for words in _simple_commands(typed(fence)):
                if (given := _of_reelsense(words)) is not None:
                    yield Command(page, given, whole=True)
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for found in _INLINE.finditer(text):
        if re.match(r"(?:[A-Z_]+=\S+ )*(reelsense|docker compose .*run --rm backup)\s", found[1]):
            for words in _simple_commands(found[1].replace("\n", " ").replace("\\|", "|")):
                given = _of_reelsense(words)
                # `reelsense COMMAND` names none.
                if given and not given[0].isupper():
                    yield Command(page, given, whole=False)


def objection(command: Command) -> str:
    """What the real command line has against a command; nothing for a good one. Nothing is run."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _parser().main(list(command.words), prog_name="reelsense", standalone_mode=False)
    except Exception as error:
        kind, said = type(error).__name__, str(getattr(error, "message", error))
        named = kind in ("MissingParameter", "BadOptionUsage", "BadParameter", "NoArgsIsHelpError")
        return "" if named and not command.whole else f"{kind}: {said or error}"
    return ""


@functools.cache
def _parser() -> Any:
    """The command line, doing nothing."""
    tree = command_tree()
    for _, one in walk(tree):
        one.callback = None
    return tree


def asked_paths(page: Path) -> Iterator[str]:
    """The paths of the API that a page's blocks ask for."""
    for fence in blocks(page):
        for found in re.finditer(r"(?:localhost|127\.0\.0\.1):\d+(?:/api)?(/v1/[^\s\"'?<>]*)", fence.text):
            yield found[1]


def _simple_commands(script: str) -> Iterator[Sequence[str]]:
    script = _HEREDOC.sub("", script).replace("\\\n", " ")
    for line in script.splitlines():
        lexer: Any = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list[str]()
        try:
            tokens = list(lexer)
        except ValueError:  # a quotation that goes on in the next line holds no command of ours
            continue
        redirected = False
        for token in tokens:
            if set(token) <= set("|;&()"):
                yield words
                words = []
            elif set(token) <= set("<>&"):
                redirected = True
            elif redirected:
                redirected = False
            else:
                words.append(token)
        yield words


def _of_reelsense(words: Sequence[str]) -> tuple[str, ...] | None:
    rest = list(words)
    while rest and (rest[0] in _BEFORE or re.match(r"[A-Z_]+=", rest[0])):
        rest.pop(0)
    if rest and Path(rest[0]).name == "reelsense" and not rest[0].endswith("/opt/reelsense"):
        return tuple(rest[1:])
    if "reelsense.cli.main" in rest:
        return tuple(rest[rest.index("reelsense.cli.main") + 1 :])
    if rest[:2] == ["docker", "compose"] and "run" in rest and "backup" in rest:
        return tuple(rest[rest.index("backup") + 1 :]) or None
    return None
