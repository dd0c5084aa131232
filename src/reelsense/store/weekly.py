"""Reviews by seven-day block, counted back from the newest day: histograms and samples of texts, made in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from reelsense.store.joined import joined_scores, of_film, positive_score, title_column, title_key_column, with_films
from reelsense.store.schema import reviews
from reelsense.types import TYPED

BLOCK_DAYS = 7
# Scores are counted in thousandths, ratings in halves.
SCORE_STEPS = 1000
RATING_STEPS = 2
_LONGEST = 5000  # characters; longer texts count as so long
# Multiplied and divided by these, consecutive ids come in an order that has nothing to do with them.
_SPREAD, _PRIME = 40_503, 65_521

# Block to value to how many reviews have it.
Histograms = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """`number` blocks of seven days; block 0 ends on `last`, block 1 on the day a week before, and so on."""

    last: date
    number: int

    def ends(self, block: int) -> date:
        return self.last - timedelta(days=BLOCK_DAYS * block)

    def begins(self, block: int) -> date:
        return self.ends(block) - timedelta(days=BLOCK_DAYS - 1)


@dataclass(frozen=True, slots=True)
class FilmBlocks:
    """A film over all its sources, and its reviews by block."""

    title_key: str
    title: str
    reviews: Mapping[int, int]


def score_counts(
    connection: sa.Connection, model_version: str, blocks: Blocks, title_key: str | None = None
) -> Histograms:
    """A version's scores in thousandths, of one film where given."""
    value = sa.cast(sa.func.round(positive_score * SCORE_STEPS), sa.Integer)
    return _histograms(connection, joined_scores(model_version), value, positive_score, blocks, title_key)


def rating_counts(connection: sa.Connection, blocks: Blocks, title_key: str | None = None) -> Histograms:
    """Ratings in half points; reviews without one are left out."""
    value = sa.cast(sa.func.round(reviews.c.rating * RATING_STEPS), sa.Integer)
    return _histograms(connection, with_films(), value, reviews.c.rating, blocks, title_key)


def length_counts(connection: sa.Connection, blocks: Blocks, title_key: str | None = None) -> Histograms:
    """Lengths of the texts in characters."""
    length = sa.func.length(reviews.c.text)
    value = sa.case((length > _LONGEST, _LONGEST), else_=length)
    return _histograms(connection, with_films(), value, reviews.c.text, blocks, title_key)


def film_blocks(connection: sa.Connection, blocks: Blocks) -> list[FilmBlocks]:
    """The films that have reviews in the blocks, those with most first."""
    block, key = _block(blocks), title_key_column()
    title = sa.func.max(title_column())
    query = sa.select(key.label("key"), block.label("block"), title.label("title"), sa.func.count().label("n"))
    query = query.select_from(with_films()).where(*_within(blocks)).group_by(key, block)
    titles: dict[str, str] = {}
    counts: dict[str, dict[int, int]] = {}
    for row in connection.execute(query):
        titles[row.key] = max(row.title, titles.get(row.key, ""))
        counts.setdefault(row.key, {})[row.block] = row.n
    ranked = sorted(counts, key=lambda found: (-sum(counts[found].values()), titles[found], found))
    return [FilmBlocks(found, titles[found], counts[found]) for found in ranked]


def sampled_texts(
    connection: sa.Connection, blocks: Blocks, most: int, title_key: str | None = None
) -> dict[int, list[str]]:
    """At most `most` texts of each block; where there are more, always the same ones, spread over the block."""
    block = _block(blocks)
    order = (reviews.c.id * _SPREAD) % _PRIME
    place = sa.func.row_number().over(partition_by=block, order_by=(order, reviews.c.id))
    chosen = sa.select(reviews.c.id, block.label("block"), place.label("place")).select_from(with_films())
    inner = chosen.where(*_within(blocks), *_of(connection, title_key)).subquery()
    query = (
        sa.select(inner.c.block, reviews.c.text)
        .join_from(inner, reviews, reviews.c.id == inner.c.id)
        .where(inner.c.place <= most)
        .order_by(inner.c.block, inner.c.place)
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.block, []).append(row.text)
    return found


def _histograms(
    connection: sa.Connection,
    joined: sa.FromClause,
    value: sa.ColumnElement[int],
    needed: sa.ColumnElement[Any],
    blocks: Blocks,
    title_key: str | None,
) -> Histograms:
    block = _block(blocks)
    query = sa.select(block.label("block"), value.label("value"), sa.func.count().label("n")).select_from(joined)
    query = query.where(*_within(blocks), needed.is_not(None), *_of(connection, title_key)).group_by(block, value)
    found: dict[int, dict[int, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.block, {})[row.value] = row.n
    return found


def _block(blocks: Blocks) -> sa.ColumnElement[int]:
    # As literals: PostgreSQL takes an expression with parameters for another one where it is grouped by.
    cases = [(reviews.c.written_on >= blocks.begins(number), _literal(number)) for number in range(blocks.number - 1)]
    last = _literal(blocks.number - 1)
    return sa.case(*cases, else_=last) if cases else last


def _literal(number: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(number), sa.Integer)


def _within(blocks: Blocks) -> tuple[sa.ColumnElement[bool], ...]:
    first = blocks.begins(blocks.number - 1)
    return (reviews.c.written_on >= first, reviews.c.written_on <= blocks.last, reviews.c.source != TYPED)


def _of(connection: sa.Connection, title_key: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if title_key is None else (of_film(connection, title_key),)
