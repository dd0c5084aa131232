"""Damaged files: models, stored and cached, and tables and snapshots that were cut off."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fault import Fault, Try
from forks import done
from subjects import settings_in
from subjects_files import _table

from small_models import TEXTS, log_folder, small_baseline  # isort: skip

from reelsense.errors import InputError, ReelsenseError
from reelsense.models.loading import load_bundled
from reelsense.registry.loading import fetch, load_version, served_model
from reelsense.registry.tracking import MODEL_PATH
from reelsense.registry.versions import list_versions, promote, register
from reelsense.tables.reading import Row, read_rows
from reelsense.tables.scoring import score_file

_DAMAGES = ("cut", "a bit flipped", "empty", "another's", "gone")


def _two_versions(base: Path) -> None:
    settings = settings_in(base)
    for seed in range(2):
        folder = small_baseline(base / f"trained-{seed}", seed)
        (folder / "MODEL_CARD.md").write_text(f"# {seed}", encoding="utf-8")
        register(settings, log_folder(settings, folder, f"train-{seed}"), f"train-{seed}")
    promote(settings, 1)
    served_model(settings)


def _damaged(path: Path, how: str, other: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(data[: chance.randrange(len(data))])
    elif how == "a bit flipped":
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(other.read_bytes())


@contextmanager
def _stored(place: Path) -> Iterator[Try]:
    """A file of a registered version's folder in the artifact store; the version becomes champion."""
    base, template = place / "world", place / "template"
    done(partial(_two_versions, base), place / "said")
    shutil.copytree(base, template)

    def served() -> dict[str, Any]:
        """Refused by its name, and the champion before it goes on serving."""
        settings = settings_in(base)
        second = next(found for found in list_versions(settings) if found.version == 2)
        before = served_model(settings).classifier
        try:
            load_version(settings, second)
            refused = ""
        except ReelsenseError as error:
            refused = str(error)
        promote(settings, 2)
        chosen = served_model(settings)
        same = bool((chosen.classifier.predict_proba(TEXTS) == before.predict_proba(TEXTS)).all())
        return {"refused": refused, "origin": chosen.origin, "same": same, "version": chosen.classifier.version}

    def one(number: int, chance: random.Random) -> tuple[str, str]:
        shutil.rmtree(base)
        shutil.copytree(template, base)
        folders = done(
            lambda: [str(found.source) for found in sorted(list_versions(settings_in(base)), key=lambda v: v.version)],
            place / "said",
        )
        mine, other = (Path(source.removeprefix("file://")) / MODEL_PATH for source in reversed(folders))
        paths = sorted(path for path in mine.rglob("*") if path.is_file())
        path = paths[number % len(paths)]
        how = _DAMAGES[number // len(paths) % len(_DAMAGES)]
        _damaged(path, how, other / path.relative_to(mine), chance)
        found = done(served, place / "said")
        wrong = [] if "ersion 2" in found["refused"] else [f"{path.name} {how}: not refused by name: {found}"]
        wrong += [] if found["version"] == "1" and found["same"] else [f"{path.name} {how}: serves {found}"]
        return "refused, the last good one serves", "; ".join(wrong)

    yield one


@contextmanager
def _cached(place: Path) -> Iterator[Try]:
    """A file of the champion's folder in the local cache."""
    base, template = place / "world", place / "template"
    done(partial(_two_versions, base), place / "said")
    shutil.copytree(base, template)

    def expected() -> list[float]:
        return [float(p) for p in served_model(settings_in(base)).classifier.predict_proba(TEXTS)]

    good = done(expected, place / "said")

    def one(number: int, chance: random.Random) -> tuple[str, str]:
        shutil.rmtree(base)
        shutil.copytree(template, base)
        mine = done(lambda: fetch(settings_in(base), "champion"), place / "said")
        paths = sorted(path for path in mine.rglob("*") if path.is_file())
        path = paths[number % len(paths)]
        how = _DAMAGES[number // len(paths) % len(_DAMAGES)]
        _damaged(path, how, base / "trained-1" / path.relative_to(mine), chance)
        found = done(expected, place / "said")
        return "fetched anew", "" if found == good else f"{path.name} {how}: other answers"

    yield one


_ENDINGS = ("csv", "csv.gz", "jsonl", "xlsx", "parquet")


@contextmanager
def _half_written(place: Path) -> Iterator[Try]:
    """A table that was cut somewhere: refused, or each row that is whole is scored; nothing half-written is left."""
    place.mkdir(parents=True, exist_ok=True)
    _table(place, 300)
    model = load_bundled()
    wholes = {}
    for ending in _ENDINGS:
        path = place / f"whole.{ending}"
        score_file(model, place / "reviews.csv", path)
        wholes[ending] = (path.read_bytes(), [row.cells["review"] for row in read_rows(path) if isinstance(row, Row)])

    def one(number: int, chance: random.Random) -> tuple[str, str]:
        ending = _ENDINGS[number % len(_ENDINGS)]
        whole, reviews = wholes[ending]
        folder = place / "try"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        sent, out = folder / f"sent.{ending}", folder / f"out.{ending}"
        sent.write_bytes(whole[: chance.randrange(len(whole))])

        def scored() -> str:
            try:
                score_file(model, sent, out, text_column="review")
            except InputError as error:
                if sent.name not in str(error):
                    raise
                left = [path.name for path in folder.iterdir() if path != sent]
                assert not left, left
                return "refused by name"
            got = [row.cells["review"] for row in read_rows(out) if isinstance(row, Row)]
            # Text ends wherever it was cut: the last row may be half a row.
            assert got[:-1] == reviews[: len(got) - 1 if got else 0], "rows that were not sent"
            return f"{'text' if ending in ('csv', 'jsonl') else ending}: rows up to the cut scored"

        return done(scored, place / "said"), ""

    yield one


@contextmanager
def _half_snapshot(place: Path) -> Iterator[Try]:
    """The labels that a training keeps, damaged before its next step."""
    from reelsense.errors import StoreError
    from reelsense.objects import open_objects
    from reelsense.pipelines.labels_snapshot import keep_labels, kept_labels
    from reelsense.types import LabelledText

    rows = [LabelledText(f"영화 {n}", n % 2, "rating", 1.0, n, None) for n in range(200)]

    def one(_number: int, chance: random.Random) -> tuple[str, str]:
        def tried() -> str:
            objects = open_objects(str(place / "objects"))
            digest = keep_labels(objects, rows)
            (key,) = objects.keys("")
            data = objects.read(key) or b""
            objects.write(key, data[: chance.randrange(len(data))])
            try:
                kept_labels(objects, digest)
            except StoreError as error:
                if digest not in str(error):
                    raise
            else:
                raise AssertionError("a cut file was taken")
            assert keep_labels(objects, rows) == digest
            assert kept_labels(objects, digest) == rows
            return "refused by name, kept anew"

        return done(tried, place / "said"), ""

    yield one


FILE_FAULTS = (
    Fault("model-stored", "each file of a stored version: cut, a bit flipped, empty, another's, gone", 60, _stored),
    Fault("model-cached", "the same in the local cache of the champion", 60, _cached),
    Fault("half-tables", "CSV, gzip, JSONL, Excel, Parquet cut at a random byte", 200, _half_written),
    Fault("half-labels", "a training's kept labels cut at a random byte", 100, _half_snapshot),
)
