"""Labelled reviews that a tiny encoder can learn in seconds."""

from __future__ import annotations

GOOD = ("재밌어요", "감동이에요", "최고의 영화", "강추합니다", "연기가 훌륭해요", "또 보고 싶다")
BAD = ("지루해요", "돈이 아깝다", "최악의 영화", "비추합니다", "연기가 엉망이에요", "졸려서 혼났다")
BEFORE = ("정말", "이건", "친구랑 봤는데", "솔직히", "진짜", "주말에 본", "배우 때문에 봤는데", "역시")
AFTER = ("", "ㅋㅋㅋ", "!!", "...", "ㅠㅠ", "별점 참고하세요")


def review_texts() -> list[tuple[str, int]]:
    """576 short reviews, both classes alike often, in a mixed but fixed order."""
    rows = [
        (f"{before} {middle} {after}".strip(), label)
        for label, middles in ((1, GOOD), (0, BAD))
        for middle in middles
        for before in BEFORE
        for after in AFTER
    ]
    return [rows[at * 241 % len(rows)] for at in range(len(rows))]
