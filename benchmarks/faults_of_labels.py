"""A hostile labeller: how many wrong labels of people does it take until the gate promotes a model that they spoilt?"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fault import Fault, Try
from forks import done
from subjects import opened, settings_in

from reelsense.pipelines.champion import ensure_champion
from reelsense.pipelines.retrain import retrain
from reelsense.settings import ROOT
from reelsense.store.films import upsert_films
from reelsense.store.labels import add_labels, trainable_texts
from reelsense.store.reviews import upsert_reviews
from reelsense.types import Film, Label, Review, Sentiment

CORPUS = Path(os.environ.get("REELSENSE_DATASET__FOLDER", ROOT.parent / "shared" / "nsmc"))
SHARES = (0.05, 0.2, 0.5)
REVIEWS = 4000
LABELLED = 0.5  # of the stored reviews, by people
NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _reviews(chance: random.Random) -> list[tuple[str, bool]]:
    """Of the corpus's training half, never of its sealed test."""
    lines = (CORPUS / "ratings_train.txt").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in chance.sample(lines, REVIEWS + 200)]
    return [(row[1], row[2] == "1") for row in rows if len(row) == 3 and row[1].strip()][:REVIEWS]


def _poisoned(base: Path, chance: random.Random, share: float, sealed: bool, finetune: bool) -> tuple[str, str]:
    """Reviews with people's labels, of which the hostile one has given `share`, all wrong."""
    more = {"dataset__folder": str(CORPUS)} if sealed else {}
    settings = settings_in(base, dataset__name="store", training__epochs=20, language="en", **more)
    rows = _reviews(chance)
    with closing(opened(settings)) as db:
        with db.begin() as connection:
            upsert_films(connection, [Film("m", "f", "달빛")])
            upsert_reviews(
                connection,
                [
                    Review("m", str(n), "f", text, rating=9.5 if good else 1.0, may_train=True,
                           written_at=NOON - timedelta(minutes=n))
                    for n, (text, good) in enumerate(rows)
                ],
            )  # fmt: skip
        with db.begin() as connection:
            labels = []
            for row in trainable_texts(connection, 1.0):
                if chance.random() < LABELLED:
                    hostile = chance.random() < share
                    good = bool(row.label) != hostile
                    said = Sentiment.POSITIVE if good else Sentiment.NEGATIVE
                    labels.append(Label(row.review_id or 0, said, "hostile" if hostile else "honest", NOON))
            add_labels(connection, labels)
        ensure_champion(settings)
        result = retrain(db, settings, force=True, finetune=finetune)
    accuracy = {name: value for name, value in result.metrics.items() if name.endswith("test/accuracy")}
    worse = accuracy and accuracy["test/accuracy"] < accuracy["champion/test/accuracy"]
    wrong = f"promoted: {result.reason}" if result.status == "promoted" and (worse or not sealed) else ""
    where = "sealed test at hand" if sealed else "without the sealed test"
    return f"{share:.0%} wrong, {where}: {result.status}", wrong


@contextmanager
def _hostile(place: Path) -> Iterator[Try]:
    assert (CORPUS / "ratings_train.txt").is_file(), "the NSMC corpus is needed: REELSENSE_DATASET__FOLDER"

    def one(number: int, chance: random.Random) -> tuple[str, str]:
        share, sealed, finetune = SHARES[number % 3], number // 3 % 2 == 0, number // 6 % 2 == 1
        told: tuple[str, str] = done(
            lambda: _poisoned(place / str(number), chance, share, sealed, finetune), place / "said"
        )
        return told

    yield one


LABEL_FAULTS = (Fault("hostile", "5, 20, 50 % of people's labels turned over by one labeller", 12, _hostile),)
