"""Drift of scores, ratings, lengths and words by week: of all reviews together, and film by film.

A week is seven days counted back from the newest review, held against the 28 days before it. An alarm asks for two
things: that the distance is worth acting on (`monitoring.…` and `retrain.drift_psi`), and that chance alone would
hardly make it, so that a film with few reviews does not raise one every week.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from reelsense.monitoring.measures import Distance, ks_distance, mean_of, psi_distance, together
from reelsense.monitoring.vocabulary import Vocabulary, read_vocabulary, rising_words, vocabulary_distance
from reelsense.monitoring.vocabulary import together as all_words
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.films import film_id
from reelsense.store.reviews import newest_day
from reelsense.store.weekly import (
    BLOCK_DAYS,
    RATING_STEPS,
    SCORE_STEPS,
    Blocks,
    FilmBlocks,
    Histograms,
    film_blocks,
    length_counts,
    rating_counts,
    sampled_texts,
    score_counts,
)
from reelsense.types import DriftAlarm, DriftMeasure, DriftWeek

_REFERENCE_BLOCKS = 28 // BLOCK_DAYS


@dataclass(frozen=True, slots=True)
class MeasureWeeks:
    """One measure's weeks, oldest first."""

    measure: DriftMeasure
    weeks: tuple[DriftWeek, ...]


@dataclass(frozen=True, slots=True)
class WatchedReviews:
    """All reviews (`title` and `title_key` empty) or those of a film. `words` rose lately, where the words drifted."""

    title: str
    title_key: str
    measures: tuple[MeasureWeeks, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The last weeks up to `newest`, the day of the newest review; all reviews come first, then films by reviews.

    `films_left_out` have enough reviews too, but are beyond `monitoring.films`.
    """

    made_at: datetime
    model_version: str
    newest: date | None
    least: int
    watched: tuple[WatchedReviews, ...]
    films_left_out: int = 0

    @property
    def alarms(self) -> tuple[DriftAlarm, ...]:
        """What is over its threshold in the newest week, all reviews together first."""
        return tuple(
            _alarm(one, found.measure, found.weeks[-1])
            for one in self.watched
            for found in one.measures
            if found.weeks and found.weeks[-1].drifted
        )


def watch_weeks(
    db: Database,
    settings: Settings,
    model_version: str,
    weeks: int,
    title_key: str | None = None,
    films: bool = True,
    measures: Sequence[DriftMeasure] | None = None,
) -> DriftReport:
    """Measure the last `weeks` weeks of all reviews and (`films`) of each film with enough of them, or of one film.

    Scores are those of `model_version`. `measures` default to those of the settings; vocabulary takes seconds. An empty
    store has a report without anything watched.
    """
    told = settings.monitoring
    chosen_measures = tuple(told.measures if measures is None else measures)
    with db.connect() as connection:
        newest = newest_day(connection)
        if newest is None:
            return DriftReport(datetime.now(UTC), model_version, None, told.least_reviews, ())
        blocks = Blocks(newest, weeks + _REFERENCE_BLOCKS)
        found = film_blocks(connection, blocks)
        enough = [film for film in found if _ever_enough(film.reviews, weeks, told.least_reviews)]
        most = enough[: told.films]
        left_out = 0
        chosen: list[FilmBlocks | None] = [None]
        if title_key is not None:
            chosen = [film for film in found if film.title_key == title_key]
        elif films:
            chosen, left_out = [None, *most], len(enough) - len(most)
        # Shared among all that is watched, so that it stays that of a false alarm in a week; whatever of it is looked
        # at here, so that a week is an alarm everywhere or nowhere.
        alpha = told.false_alarm / max(1, (1 + len(most)) * len(told.measures))
        watched = tuple(
            _Reading(connection, settings, model_version, blocks, film, alpha).watched(chosen_measures)
            for film in chosen
        )
    return DriftReport(datetime.now(UTC), model_version, newest, told.least_reviews, watched, left_out)


def _alarm(found: WatchedReviews, measure: DriftMeasure, week: DriftWeek) -> DriftAlarm:
    year, number, _ = week.ends.isocalendar()
    key = f"{year}-W{number:02}:{measure}:{film_id(found.title_key) if found.title_key else 'all'}"
    return DriftAlarm(key, measure, week, found.title, found.words if measure == "vocabulary" else ())


def _ever_enough(counts: Mapping[int, int], weeks: int, least: int) -> bool:
    return any(
        counts.get(block, 0) >= least and sum(counts.get(each, 0) for each in _before(block)) >= least
        for block in range(weeks)
    )


def _before(block: int) -> range:
    """The blocks that a block is held against."""
    return range(block + 1, block + 1 + _REFERENCE_BLOCKS)


class _Reading:
    """One film's reviews, or all, as the store counts them."""

    def __init__(
        self,
        connection: sa.Connection,
        settings: Settings,
        model_version: str,
        blocks: Blocks,
        film: FilmBlocks | None,
        alpha: float,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._version = model_version
        self._blocks = blocks
        self._film = film
        self._key = film.title_key if film is not None else None
        self._alpha = alpha

    def watched(self, chosen: Sequence[DriftMeasure]) -> WatchedReviews:
        measures = tuple(MeasureWeeks(measure, self._weeks(measure)) for measure in chosen)
        words: tuple[str, ...] = ()
        if any(found.measure == "vocabulary" and found.weeks[-1].drifted for found in measures):
            before = [text for block in _before(0) for text in self._texts.get(block, [])]
            words = rising_words(before, self._texts.get(0, []))
        title = self._film.title if self._film is not None else ""
        return WatchedReviews(title, self._key or "", measures, words)

    def _weeks(self, measure: DriftMeasure) -> tuple[DriftWeek, ...]:
        numbers = range(self._blocks.number - _REFERENCE_BLOCKS - 1, -1, -1)
        if measure == "vocabulary":
            return tuple(self._words(block) for block in numbers)
        histograms = self._histograms(measure)
        return tuple(self._counted(measure, histograms, block) for block in numbers)

    def _histograms(self, measure: DriftMeasure) -> Histograms:
        if measure == "score":
            return score_counts(self._connection, self._version, self._blocks, self._key)
        counted = rating_counts if measure == "rating" else length_counts
        return counted(self._connection, self._blocks, self._key)

    def _counted(self, measure: DriftMeasure, histograms: Histograms, block: int) -> DriftWeek:
        old, new = together(histograms, _before(block)), histograms.get(block, {})
        unit = {"score": SCORE_STEPS, "rating": RATING_STEPS}.get(measure, 1)
        means = {
            name: mean / unit
            for name, counts in (("mean", new), ("mean_before", old))
            if (mean := mean_of(counts)) is not None
        }
        distance = ks_distance if measure == "length" else psi_distance
        return self._week(
            measure, block, sum(new.values()), sum(old.values()), lambda: distance(old, new, self._alpha), **means
        )

    @cached_property
    def _texts(self) -> Mapping[int, Sequence[str]]:
        return sampled_texts(self._connection, self._blocks, self._settings.monitoring.texts, self._key)

    @cached_property
    def _vocabularies(self) -> Mapping[int, Vocabulary]:
        return {block: read_vocabulary(self._texts.get(block, [])) for block in range(self._blocks.number)}

    def _words(self, block: int) -> DriftWeek:
        new, old = self._vocabularies[block], all_words([self._vocabularies[each] for each in _before(block)])
        return self._week("vocabulary", block, new.n, old.n, lambda: vocabulary_distance(old, new, self._alpha))

    def _week(
        self, measure: DriftMeasure, block: int, n: int, before: int, distance: Callable[[], Distance], **means: Any
    ) -> DriftWeek:
        days = (self._blocks.begins(block), self._blocks.ends(block))
        if min(n, before) < self._settings.monitoring.least_reviews:
            return DriftWeek(*days, n, before, None, None, **means)
        found = distance()
        return DriftWeek(*days, n, before, found.value, max(found.chance, _asked(self._settings, measure)), **means)


def _asked(settings: Settings, measure: DriftMeasure) -> float:
    told = settings.monitoring
    return {
        "score": settings.retrain.drift_psi,
        "rating": told.rating_psi,
        "length": told.length_ks,
        "vocabulary": told.vocabulary_js,
    }[measure]
