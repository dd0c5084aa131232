"""Which sides of a film a text speaks of, and in which of its clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reelsense.text.aspect_words import PERSON, WORDS

ASPECTS = tuple(WORDS)
_LOOKBEHIND = re.compile(r"\(\?<[!=][^)]*\)")


def _compiled() -> re.Pattern[str]:
    """All words in one expression, tried letter by letter: twice as quick as word by word."""
    letters: set[str] = set()
    named = []
    for aspect, words in WORDS.items():
        shared: dict[str, list[str]] = {}
        whole = []  # a word with a look-behind
        for word in words:
            if behind := _LOOKBEHIND.match(word):
                letters.add(word[behind.end()])
                whole.append(word)
            else:
                shared.setdefault(word[0], []).append(word[1:])
        letters |= set(shared)
        parts = [f"{letter}(?:{'|'.join(rests)})" for letter, rests in shared.items()] + whole
        named.append(f"(?P<{aspect}>{'|'.join(parts)})")
    return re.compile(f"(?=[{''.join(sorted(letters))}])(?:{'|'.join(named)})", re.IGNORECASE)


_ASPECT = _compiled()
_PERSON = re.compile(PERSON)
# A clause ends at punctuation, at a line's end, and after what sets a contrast or a list: -지만, -는데, -고, -나.
_CLAUSE_END = re.compile(
    r"[.!?…~\n]+|,|(?<=지만)\s|(?<=는데)\s|(?<=은데)\s|(?<=[가-힣]고)\s(?!싶)|(?<=[으]나)\s"
    r"|\s(?=하지만|그런데|근데|그러나|반면)"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A clause that speaks of an aspect, `text[start:end]`, and the word that told."""

    aspect: str
    start: int
    end: int
    clause: str
    word: str


def mentions(text: str) -> list[Mention]:
    """The clauses of a text that speak of an aspect; each aspect once a clause.

    >>> [(found.aspect, found.clause) for found in mentions("연기는 좋은데 스토리가 별로")]
    [('배우', '연기는 좋은데'), ('스토리', '스토리가 별로')]
    """
    found = []
    for start, end in _clauses(text):
        seen = set()
        for match in _ASPECT.finditer(text, start, end):
            aspect = str(match.lastgroup)
            if aspect not in seen:
                seen.add(aspect)
                found.append(Mention(aspect, start, end, text[start:end], match[0]))
        if "씨" in text and "배우" not in seen and (person := _PERSON.search(text, start, end)):
            found.append(Mention("배우", start, end, text[start:end], person[0]))
    return found


def without_words(text: str) -> str:
    """A text without the lexicon's words: what a model beside the lexicon may learn from."""
    return _ASPECT.sub(" ", text)


def _clauses(text: str) -> list[tuple[int, int]]:
    edges = [0]
    for match in _CLAUSE_END.finditer(text):
        edges += [match.start(), match.end()]
    edges.append(len(text))
    pieces = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        piece = text[begin:end]
        if piece.strip():
            begin += len(piece) - len(piece.lstrip())
            pieces.append((begin, begin + len(piece.strip())))
    return pieces
