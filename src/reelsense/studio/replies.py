"""What a model says is text and nothing else: no link, no picture from elsewhere, and none of what it was told."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reelsense.studio.material import without_brackets
from reelsense.text.clean import without_invisible

# In this order: a picture or link keeps its words, an address by itself goes.
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+[^()\n]*)?\)")
_DEFINED = re.compile(r"\[[^\[\]\n]+\]:\s*\S+")
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.|\b(?:javascript|data|vbscript|mailto):)\S*", re.IGNORECASE
)
_GONE = "…"
_NO_LETTER = re.compile(r"[\W_]+")
# A shorter sentence is anybody's.
_TELLING = 40


def only_text(reply: str) -> str:
    """The reply without links, addresses, tags and characters that nobody sees; line breaks stay."""
    text = "\n".join(without_invisible(line) for line in reply.splitlines())
    text = without_brackets(text)
    text = _DEFINED.sub(_GONE, _LINK.sub(r"\1", text))
    # What was put together by taking a link away is looked at, too.
    while (found := _ADDRESS.sub(_GONE, text)) != text:
        text = found
    return text.strip()


def tells(reply: str, instructions: str, secrets: Sequence[str]) -> bool:
    """Whether a reply holds a sentence of the instructions, or a secret, however it is spaced and dotted."""
    bare = _bare(reply)
    sentences = (_bare(one) for one in re.split(r"(?<=[.:])\s", instructions))
    hidden = [*(one for one in sentences if len(one) >= _TELLING), *(_bare(one) for one in secrets if one)]
    return any(one and one in bare for one in hidden)


def _bare(text: str) -> str:
    return _NO_LETTER.sub("", text).casefold()
