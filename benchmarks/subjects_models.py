"""Pipelines on models: retrain, promote, tune."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from subjects import SERVERS, Subject, opened, settings_in
from subjects_store import rows

from small_models import TEXTS, log_folder, small_baseline  # isort: skip
from tune_until_killed import search  # isort: skip

from reelsense.models.loading import load_folder
from reelsense.objects import open_objects
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.retrain import retrain
from reelsense.registry.client import experiment_id, registry_client
from reelsense.registry.loading import fetch
from reelsense.registry.tracking import KEY_TAG
from reelsense.registry.versions import find_version, list_versions, promote, register
from reelsense.settings import Settings
from reelsense.sources.catalogue import open_source

_TRAINING = {
    "retrain__min_new_labels": 50,
    "training__epochs": 3,
    "model__register_threshold": 0.3,
}


def _weak_champion(base: Path) -> None:
    """Crawled reviews, and a champion that answers at random, so that what is trained is promoted."""
    assert SERVERS["devsite"]
    settings = settings_in(base, **_TRAINING)
    with closing(opened(settings)) as db:
        assert crawl(db, open_source("megabox", settings), settings.crawl, key="before").status == "succeeded"
    folder = small_baseline(base / "weak", 3)
    promote(settings, register(settings, log_folder(settings, folder, "weak"), "weak").version)
    fetch(settings, "champion")


def _retrain(base: Path) -> None:
    settings = settings_in(base, **_TRAINING)
    with closing(opened(settings)) as db:
        done = [run for run in rows(settings)["runs"] if run[0] == "retrain" and run[2] == "succeeded"]
        if not done:  # the schedule comes only once a day
            retrain(db, settings)


def registry_seen(settings: Settings, keys: str = "") -> dict[str, Any]:
    """Versions, aliases and finished runs, each key once; the champion can be fetched and answers.

    Only runs whose key begins with `keys`: others may use the same server.
    """
    versions = list_versions(settings)
    client = registry_client(settings)
    runs = client.search_runs([experiment_id(client)], f"tags.`{KEY_TAG}` LIKE '{keys}%'", max_results=1000)
    listed = client.search_logged_models([experiment_id(client)], max_results=1000)
    models = [model for model in listed if str(model.tags.get(KEY_TAG, "")).startswith(keys)]
    runs = [run for run in runs if run.info.status != "FAILED"]  # those stay, as history
    finished = sorted(str(run.info.run_id) for run in runs if run.info.status == "FINISHED")
    assert len(finished) == len(runs), [run.info.status for run in runs]
    assert sorted(str(model.source_run_id) for model in models) == finished, "a run without its model, or with two"
    assert sum("champion" in found.aliases for found in versions) == 1
    champion = find_version(settings, "champion")
    assert champion is not None
    model = load_folder(fetch(settings, "champion"), str(champion.version))
    return {
        "runs": sorted(str(run.data.tags.get(KEY_TAG)) for run in runs),
        "versions": [(v.version, v.aliases, v.key, v.data_version, v.recipe, v.archived) for v in versions],
        "answers": [round(float(p), 5) for p in model.predict_proba(TEXTS)],
    }


def _retrained(base: Path) -> dict[str, Any]:
    settings = settings_in(base, **_TRAINING)
    for folder in (settings.home / "training", settings.home / "cache" / "staging"):
        assert not folder.is_dir() or not list(folder.iterdir()), f"{folder} was not cleared away"
    return {
        **rows(settings),
        **registry_seen(settings),
        "objects": open_objects(settings.resolved_object_store).keys(),
    }


def three_versions(base: Path) -> None:
    """Three versions, the first of them champion."""
    settings = settings_in(base)
    for seed in range(3):
        folder = small_baseline(base / f"trained-{seed}", seed)
        made = register(settings, log_folder(settings, folder, f"train-{seed}"), f"train-{seed}")
        if seed == 0:
            promote(settings, made.version)


def _promote(base: Path) -> None:
    promote(settings_in(base), 3)


def _promoted(base: Path) -> dict[str, Any]:
    return registry_seen(settings_in(base))


def _nothing(base: Path) -> None:
    (base / "home").mkdir(parents=True, exist_ok=True)


def _tune(base: Path) -> None:
    settings_in(base)
    search(base / "home", 3)


def _tuned(base: Path) -> dict[str, Any]:
    """Which settings are tried depends on where a search was cut; that each was tried and told once does not."""
    found = search(base / "home", 3)
    client = registry_client(settings_in(base))
    runs = client.search_runs([experiment_id(client)])
    assert not [path for path in (base / "home" / "tuning").iterdir() if path.is_dir()]
    return {
        "outcomes": [trial.outcome for trial in found.trials],
        "different": len({str(trial.parameters) for trial in found.trials}),
        "runs": sorted(run.info.status for run in runs),
        "recipe": found.out.is_file(),
    }


MODEL_SUBJECTS = (
    Subject("retrain", "plan, train, judge, register, promote", _weak_champion, _retrain, _retrained),
    Subject("promote", "another champion", three_versions, _promote, _promoted),
    Subject("tune", "three trials", _nothing, _tune, _tuned),
)
