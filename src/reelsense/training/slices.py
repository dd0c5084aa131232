"""Accuracy by slice: for which texts a model is right, by year, by rating, by what the film is rated."""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reelsense.settings import Settings
from reelsense.sources.nsmc import RatedRow, read_rated
from reelsense.text.clean import fingerprint, share_of
from reelsense.training.sealed import sealed_fingerprints

# The first review number of each year. Naver numbered reviews in order of time: on the 397,542 dated reviews beside the
# corpus this gives the year of every one, and so it dates the corpus' own, which carry no date.
_YEAR_BEGINS = {
    2004: 7_631,
    2005: 174_218,
    2006: 547_663,
    2007: 1_346_161,
    2008: 2_285_828,
    2009: 3_172_096,
    2010: 4_114_457,
    2011: 5_110_440,
    2012: 5_951_045,
    2013: 7_069_049,
    2014: 8_331_331,
    2015: 9_543_129,
}
# Reviews of a film under which its mean rating says little.
_FILM_REVIEWS = 10
_FILM_GROUPS = 4
# Texts of a class under which its recall says nothing.
_CLASS_TEXTS = 10


@dataclass(frozen=True, slots=True)
class Slice:
    """Texts that have something in common. `balanced` is the mean recall of both classes, None where one is missing."""

    name: str
    n: int
    accuracy: float
    balanced: float | None


@dataclass(frozen=True, slots=True)
class RatedText:
    """A held-back text with its rating and the mean rating of its film, None for a film with few reviews."""

    text: str
    rating: float
    film_rating: float | None
    year: str | None


def year_of(review_id: str) -> str | None:
    """The year a review of the NSMC corpus was written in, from its number."""
    if not review_id.isdecimal():
        return None
    years = list(_YEAR_BEGINS)
    at = bisect.bisect_right(list(_YEAR_BEGINS.values()), int(review_id))
    return str(years[at - 1]) if at else "2003"


def slices_of(right: NDArray[np.bool_], labels: NDArray[np.integer], names: Sequence[str | None]) -> tuple[Slice, ...]:
    """A slice for each name, in the order of names; texts without one are left out."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        if name is not None:
            places[name].append(at)
    found = []
    for name in sorted(places, key=_in_order):
        hit, truth = right[places[name]], labels[places[name]]
        recalls = [float(hit[truth == label].mean()) for label in (0, 1) if (truth == label).sum() >= _CLASS_TEXTS]
        balanced = sum(recalls) / 2 if len(recalls) == 2 else None
        found.append(Slice(name, len(hit), float(hit.mean()), balanced))
    return tuple(found)


def rated_held_back(settings: Settings) -> list[RatedText]:
    """Rows of `dataset.extra_files` that belong to the validation split, which no version learns from."""
    return held_back(
        (row for path in settings.dataset.extra_files for row in read_rated(Path(path))),
        sealed_fingerprints(settings.corpus_folder),
        settings.dataset.validation_share,
    )


def held_back(rows: Iterable[RatedRow], barred: frozenset[bytes], share: float) -> list[RatedText]:
    """Rows whose text is in the validation split and not in `barred`, with their films' means over all rows."""
    kept = []
    sums: dict[str, tuple[int, float]] = {}
    for row in rows:
        count, total = sums.get(row.movie_id, (0, 0.0))
        sums[row.movie_id] = (count + 1, total + row.rating)
        if share_of(row.text, "validation") < share and fingerprint(row.text) not in barred:
            kept.append(row)
    return [RatedText(row.text, row.rating, _mean(sums[row.movie_id]), _year(row)) for row in kept]


def film_groups(rows: Sequence[RatedText]) -> list[str | None]:
    """Which quarter of the texts each belongs to by its film's mean rating, named by the quarter's bounds."""
    means = sorted(row.film_rating for row in rows if row.film_rating is not None)
    if not means:
        return [None] * len(rows)
    bounds = [means[len(means) * part // _FILM_GROUPS] for part in range(1, _FILM_GROUPS)]
    edges = [means[0], *bounds, means[-1]]
    names = [f"{low:.1f}-{high:.1f}" for low, high in itertools.pairwise(edges)]
    return [None if row.film_rating is None else names[bisect.bisect_right(bounds, row.film_rating)] for row in rows]


def _mean(found: tuple[int, float]) -> float | None:
    count, total = found
    return total / count if count >= _FILM_REVIEWS else None


def _year(row: RatedRow) -> str | None:
    return str(row.written_on.year) if row.written_on else None


def _in_order(name: str) -> tuple[float, str]:
    """Names that begin with a number by it, the others behind."""
    first = name.split("-")[0].strip()
    try:
        return float(first), name
    except ValueError:
        return float("inf"), name
