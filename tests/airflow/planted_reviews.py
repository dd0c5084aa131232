"""Reviews for a devsite: ordinary ones, and a burst of slang that no model of today can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from reelsense.devsite.library import sample_library
from reelsense.text.clean import clean

FIRST_DAY = date(2026, 9, 1)
ORDINARY_DAYS = 28
SLANG_DAYS = 5
ORDINARY_UNTIL = FIRST_DAY + timedelta(days=ORDINARY_DAYS - 1)
SLANG_UNTIL = ORDINARY_UNTIL + timedelta(days=SLANG_DAYS)
SLANG = 320

_PRAISE = ("쩔붕", "킹갓텀", "오짐뿌", "폼미춉")
_BLAME = ("망삘각", "핵롬잼", "꼬릅띠", "쉬읏컷")
_FILLERS = ("진짜", "이거", "와", "그냥", "완전", "보고 나서", "주말에", "친구랑", "혼자", "어제")


def ordinary() -> Iterator[dict[str, Any]]:
    """The sample's reviews, spread over four weeks; two films."""
    library = sample_library()
    found = {
        review.text: review.rating
        for site in ("megabox", "cgv", "lotte", "naver")
        for film in library.films
        for review in library.visible(site, film)
        if clean(review.text)
    }
    for number, (text, rating) in enumerate(sorted(found.items())):
        day = FIRST_DAY + timedelta(days=number % ORDINARY_DAYS)
        yield _row(number, 900 + number % 2, day, rating, text)


def slang() -> Iterator[dict[str, Any]]:
    """A burst of reviews in words that were invented for it; their ratings are clear."""
    for number in range(SLANG):
        good = number % 2 == 0
        words = _PRAISE if good else _BLAME
        first, second = _FILLERS[number % 10], _FILLERS[number // 10 % 10]
        text = f"{first} {words[number % 4]} {second} {words[number // 4 % 4]} {number}"
        day = ORDINARY_UNTIL + timedelta(days=1 + number % SLANG_DAYS)
        yield _row(100_000 + number, 900 + number % 2, day, 10 if good else 1, text)


def upside_down_corpus(folder: Path) -> None:
    """A corpus whose training labels are turned round and whose sealed test is true."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for row in ordinary() if row["rating"] <= 4 or row["rating"] >= 9]
    # Other texts than the store's, with whose labels they would cancel out.
    turned = [(f"{word} {row['text']}", row["rating"] <= 4) for word in ("주말에", "친구랑", "어제") for row in rows]
    true = [(row["text"], row["rating"] >= 9) for row in rows[1::2]]
    for name, chosen in (("train", turned), ("test", true)):
        lines = [f"{number}\t{text}\t{int(good)}" for number, (text, good) in enumerate(chosen)]
        text = "\n".join(["id\tdocument\tlabel", *lines])
        (folder / f"ratings_{name}.txt").write_text(text + "\n", encoding="utf-8")


def write_stream(path: Path) -> int:
    """All of them as a review file; returns how many."""
    rows = [*ordinary(), *slang()]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return len(rows)


def _row(number: int, film: int, day: date, rating: float, text: str) -> dict[str, Any]:
    told = {"review_id": number, "movie_id": film, "date": day.isoformat(), "rating": int(rating)}
    return {**told, "text": " ".join(text.split())}
