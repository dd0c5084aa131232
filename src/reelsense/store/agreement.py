"""How far people who labelled the same reviews agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from reelsense.store.schema import labels, reviews
from reelsense.types import Sentiment

_MOST_COUPLES = 50
_ORDER = (Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE)


@dataclass(frozen=True, slots=True)
class AnnotatorLabels:
    """What one annotator has said so far."""

    annotator: str
    labels: int
    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True)
class Couple:
    """Two annotators on the reviews that both labelled; `kappa` is None where chance alone would make them equal."""

    first: str
    second: str
    reviews: int
    share: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """All annotators together, on the reviews that two or more of them labelled.

    `share`: of the pairs of labels of one review, how many are equal. `alpha` is Krippendorff's, for nominal data;
    both are None where there is nothing to compare, `alpha` also where every label is the same.
    """

    reviews: int
    disputed: int
    pairs: int
    share: float | None
    alpha: float | None
    annotators: tuple[AnnotatorLabels, ...]
    couples: tuple[Couple, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A review that people labelled differently; `labels` are annotators with what they said."""

    review_id: int
    source: str
    source_id: str
    text: str
    rating: float | None
    labels: tuple[tuple[str, Sentiment], ...]


def agreement(connection: sa.Connection) -> Agreement:
    """How far people agree, counted in SQL; `couples` are those with most reviews in common."""
    patterns = _patterns(connection)
    units = sum(patterns.values())
    pairs = sum(n * _pairs(sum(counts)) for counts, n in patterns.items())
    equal = sum(n * sum(map(_pairs, counts)) for counts, n in patterns.items())
    return Agreement(
        reviews=units,
        disputed=sum(n for counts, n in patterns.items() if max(counts) < sum(counts)),
        pairs=pairs,
        share=equal / pairs if pairs else None,
        alpha=nominal_alpha(patterns),
        annotators=_annotators(connection),
        couples=_couples(connection),
    )


def disagreements(connection: sa.Connection, limit: int = 50, offset: int = 0) -> list[Disagreement]:
    """Reviews that people labelled differently, the latest labelled first."""
    last = sa.func.max(labels.c.labelled_at)
    disputed = (
        sa.select(labels.c.review_id)
        .group_by(labels.c.review_id)
        .having(sa.func.min(labels.c.sentiment) != sa.func.max(labels.c.sentiment))
        .order_by(last.desc(), labels.c.review_id.desc())
        .limit(limit)
        .offset(offset)
    )
    numbers = connection.execute(disputed).scalars().all()
    said: dict[int, list[tuple[str, Sentiment]]] = {number: [] for number in numbers}
    votes = sa.select(labels.c.review_id, labels.c.annotator, labels.c.sentiment)
    for vote in connection.execute(votes.where(labels.c.review_id.in_(numbers)).order_by(labels.c.annotator)):
        said[vote.review_id].append((vote.annotator, Sentiment(vote.sentiment)))
    columns = (reviews.c.id, reviews.c.source, reviews.c.source_id, reviews.c.text, reviews.c.rating)
    known = {row.id: row for row in connection.execute(sa.select(*columns).where(reviews.c.id.in_(numbers)))}
    return [Disagreement(*known[number], tuple(said[number])) for number in numbers]


def nominal_alpha(patterns: Mapping[tuple[int, ...], int]) -> float | None:
    """Krippendorff's alpha for nominal data; None when nothing can be compared, or all labels are the same.

    `patterns` maps how often each category was given to one unit to how many such units there are. 1 is perfect, 0 is
    chance. After K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C.
    """
    comparable = {counts: n for counts, n in patterns.items() if sum(counts) >= 2}
    total = sum(n * sum(counts) for counts, n in comparable.items())
    by_category = [sum(n * given for given, n in column) for column in _columns(comparable)]
    expected = (total**2 - sum(given**2 for given in by_category)) / (total - 1) if total else 0.0
    if not expected:
        return None
    observed = sum(
        n * (sum(counts) ** 2 - sum(given**2 for given in counts)) / (sum(counts) - 1)
        for counts, n in comparable.items()
    )
    return 1 - observed / expected


def cohens_kappa(table: Mapping[tuple[str, str], int]) -> float | None:
    """Agreement of two people beyond chance; None when chance alone would make them equal, or there is nothing.

    `table` maps what the first and the second said to how often. After J. Cohen, "A coefficient of agreement for
    nominal scales", Educational and Psychological Measurement 20 (1960), 37-46.
    """
    total = sum(table.values())
    names = {name for pair in table for name in pair}
    first = {name: sum(n for (one, _), n in table.items() if one == name) for name in names}
    second = {name: sum(n for (_, other), n in table.items() if other == name) for name in names}
    chance = sum(first[name] * second[name] for name in names)  # of total squared
    if chance == total**2:
        return None
    equal = sum(n for (one, other), n in table.items() if one == other)
    return (equal * total - chance) / (total**2 - chance)


def _patterns(connection: sa.Connection) -> dict[tuple[int, ...], int]:
    """How often each sentiment was given to one review, and how many such reviews there are."""
    given = [sa.func.sum(sa.case((labels.c.sentiment == one.value, 1), else_=0)).label(one.value) for one in _ORDER]
    each = sa.select(*given).group_by(labels.c.review_id).having(sa.func.count() >= 2).subquery()
    counts = [each.c[one.value] for one in _ORDER]
    query = sa.select(*counts, sa.func.count()).group_by(*counts)
    return {tuple(map(int, row[:-1])): int(row[-1]) for row in connection.execute(query)}


def _annotators(connection: sa.Connection) -> tuple[AnnotatorLabels, ...]:
    query = sa.select(labels.c.annotator, labels.c.sentiment, sa.func.count().label("n"))
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query.group_by(labels.c.annotator, labels.c.sentiment)):
        found.setdefault(row.annotator, {})[row.sentiment] = row.n
    rows = [
        AnnotatorLabels(name, sum(counts.values()), *(counts.get(one.value, 0) for one in _ORDER))
        for name, counts in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.labels, row.annotator)))


def _couples(connection: sa.Connection) -> tuple[Couple, ...]:
    one, other = labels.alias("one"), labels.alias("other")
    same = sa.and_(one.c.review_id == other.c.review_id, one.c.annotator < other.c.annotator)
    columns = (one.c.annotator, other.c.annotator, one.c.sentiment, other.c.sentiment)
    query = sa.select(*columns, sa.func.count()).join_from(one, other, same).group_by(*columns)
    tables: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for first, second, said, replied, n in connection.execute(query):
        tables.setdefault((first, second), {})[said, replied] = n
    couples = []
    for (first, second), table in tables.items():
        n = sum(table.values())
        equal = sum(count for (said, replied), count in table.items() if said == replied)
        couples.append(Couple(first, second, n, equal / n, cohens_kappa(table)))
    return tuple(sorted(couples, key=lambda couple: (-couple.reviews, couple.first, couple.second))[:_MOST_COUPLES])


def _columns(patterns: Mapping[tuple[int, ...], int]) -> list[list[tuple[int, int]]]:
    """By category: how often it was given to a unit, and to how many units."""
    rows = [[(given, n) for given in counts] for counts, n in patterns.items()]
    return [list(column) for column in zip(*rows, strict=True)]


def _pairs(n: int) -> int:
    return n * (n - 1) // 2
