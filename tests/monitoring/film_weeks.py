"""Made-up reviews by week: a film's ordinary reviews, and what may be planted among them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from reelsense.store.database import Database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import iter_reviews, upsert_reviews
from reelsense.store.scores import upsert_scores
from reelsense.types import KST, Film, Review, Score

NEWEST = datetime(2026, 10, 25, 12, tzinfo=KST)  # a Sunday, the last day of its calendar week
VERSION = "7"
_SYLLABLES = [chr(0xAC00 + 588 * first + 28 * middle) for first in range(19) for middle in (0, 4, 8, 13, 20)]
_LANGUAGE = np.random.default_rng(1)
# A language of 600 words, of which a few are frequent, as words are.
WORDS = ["".join(_LANGUAGE.choice(_SYLLABLES, size)) for size in _LANGUAGE.integers(1, 4, 600)]
_SHARES = 1 / np.arange(1, len(WORDS) + 1)
SHARES = _SHARES / _SHARES.sum()

# A week's number (0 the newest) and a generator: a review's text, rating and score.
Writer = Callable[[int, np.random.Generator], tuple[str, float, float]]


def ordinary(week: int, draw: np.random.Generator) -> tuple[str, float, float]:
    """A text of some words, a rating mostly high, and a score that goes with it."""
    size = 2 + int(draw.geometric(0.12))
    rating = float(draw.choice([1, 2, 4, 6, 7, 8, 9, 10], p=[0.1, 0.04, 0.04, 0.07, 0.08, 0.12, 0.15, 0.4]))
    score = float(draw.beta(8, 2) if rating > 5 else draw.beta(2, 8))
    return " ".join(draw.choice(WORDS, size, p=SHARES)), rating, score


def longer_lately(week: int, draw: np.random.Generator) -> tuple[str, float, float]:
    """The newest week's texts are twice as long."""
    text, rating, score = ordinary(week, draw)
    return (f"{text} {ordinary(week, draw)[0]}" if week == 0 else text), rating, score


def slang_lately(week: int, draw: np.random.Generator) -> tuple[str, float, float]:
    """In the newest week four words of ten are new ones; the texts are as long as ever."""
    text, rating, score = ordinary(week, draw)
    if week == 0:
        slang = ("쩔붕", "킹갓텀", "오짐뿌", "폼미춉")
        text = " ".join(str(draw.choice(slang)) if draw.random() < 0.4 else word for word in text.split())
    return text, rating, score


def turned_lately(week: int, draw: np.random.Generator) -> tuple[str, float, float]:
    """In the newest week who loved it hates it; texts and scores stay as they are."""
    text, rating, score = ordinary(week, draw)
    return text, (11 - rating if week == 0 else rating), score


def scored_otherwise(week: int, draw: np.random.Generator) -> tuple[str, float, float]:
    """In the newest week scores are lukewarm; texts and ratings stay as they are."""
    text, rating, score = ordinary(week, draw)
    return text, rating, (float(draw.beta(5, 5)) if week == 0 else score)


def fill(db: Database, films: dict[str, Writer], a_week: int, weeks: int = 5, seed: int = 0) -> None:
    """`a_week` reviews a week of each film, for `weeks` weeks up to NEWEST, scored by VERSION."""
    draw = np.random.default_rng(seed)
    found: list[Review] = []
    scores: dict[str, float] = {}
    for code, (title, writer) in enumerate(films.items()):
        for week in range(weeks):
            for number in range(a_week):
                text, rating, score = writer(week, draw)
                name = f"{seed}-{title}-{week}-{number}"
                # One on the newest day, so that weeks are counted back from it.
                day = NEWEST - timedelta(days=7 * week + (number % 7))
                found.append(Review("megabox", name, str(code), text, rating, None, day, may_train=True))
                scores[name] = score
    with db.begin() as connection:
        upsert_films(connection, [Film("megabox", str(code), title) for code, title in enumerate(films)])
        upsert_reviews(connection, found)
    with db.begin() as connection:
        rows = [
            Score(row.id, VERSION, scores[row.source_id]) for row in iter_reviews(connection) if row.source_id in scores
        ]
        upsert_scores(connection, rows)
