"""Which sides of a film a text speaks of, and in which of its clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Stems, without one-letter words that hide in others.
_WORDS = {
    "배우": "배우|연기|캐스팅|주연|조연|열연|발연기|캐릭터",
    "스토리": "스토리|줄거리|내용|전개|결말|반전|각본|대본|시나리오|개연성|플롯|구성|이야기|대사",
    "영상미": "영상|화면|색감|촬영|그래픽|CG|씨지|미장센|풍경|비주얼|볼거리|시각효과|액션씬|작화",
    "음악": "음악|OST|노래|사운드|음향|배경음|선율|가사|뮤지컬",
    "연출": "연출|감독|편집|카메라|완급|몰입감|긴장감|디테일",
}
ASPECTS = tuple(_WORDS)
_ASPECT = re.compile("|".join(f"(?P<{name}>{words})" for name, words in _WORDS.items()), re.IGNORECASE)
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
    return found


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
