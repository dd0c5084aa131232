"""What is served, from where, and what happens when something is missing, damaged or down."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import structlog
from small_models import TEXTS

from reelsense.errors import InputError, RegistryError
from reelsense.models import loading as models_loading
from reelsense.models.loading import load_folder
from reelsense.predictor import load_with_folder
from reelsense.registry.client import registry_client, translated
from reelsense.registry.loading import fetch, open_any, serving_model
from reelsense.registry.tracking import folder_digest
from reelsense.registry.versions import archive, make_candidate, promote
from reelsense.settings import Settings


@pytest.fixture(autouse=True)
def bundled(monkeypatch: pytest.MonkeyPatch, train_one) -> None:
    """A small model stands where the package's bundled one does."""
    monkeypatch.setattr(models_loading, "BUNDLED", train_one(99))


@pytest.fixture
def events():
    with structlog.testing.capture_logs() as captured:
        yield captured


def test_a_version_is_fetched_once_and_whole(settings: Settings, register_one, train_one, events) -> None:
    register_one("train-1", seed=1)

    folder = fetch(settings, 1)
    again = fetch(settings, "latest")

    assert folder == again
    assert folder.parent == settings.home / "cache" / "models"
    assert folder_digest(folder) == folder_digest(train_one(1))
    assert [event["event"] for event in events].count("version_fetched") == 1


def test_an_unknown_version_is_named_with_those_that_are_there(settings: Settings, register_one) -> None:
    register_one()
    with pytest.raises(RegistryError, match=r"no 'champion'.*Known versions: 1"):
        fetch(settings, "champion")


def test_a_changed_artifact_is_not_accepted(settings: Settings, register_one) -> None:
    made = register_one()
    stored = Path(made.source.removeprefix("file://")) / "artifacts" / "model" / "weights.npz"
    stored.write_bytes(stored.read_bytes()[:-100])

    with pytest.raises(RegistryError, match="arrived damaged"):
        fetch(settings, 1)
    assert not [path for path in (settings.home / "cache" / "models").iterdir() if path.is_dir()]


def test_the_order_is_champion_candidate_latest_bundled(settings: Settings, register_one) -> None:
    assert serving_model(settings).version == "bundled-data99"
    register_one("train-1", seed=1)
    assert serving_model(settings).version == "1"
    register_one("train-2", seed=2)
    assert serving_model(settings).version == "2"
    make_candidate(settings, 1)
    assert serving_model(settings).version == "1"
    promote(settings, 2)
    assert serving_model(settings).version == "2"


def test_archived_versions_are_not_served(settings: Settings, register_one) -> None:
    register_one("train-1", seed=1)
    archive(settings, 1)
    assert serving_model(settings).version == "bundled-data99"


def test_the_served_model_answers_as_the_trained_one(settings: Settings, register_one, train_one) -> None:
    register_one("train-1", seed=5)
    expected = load_folder(train_one(5)).predict_proba(TEXTS)
    np.testing.assert_array_equal(serving_model(settings).predict_proba(TEXTS), expected)


def test_a_log_line_says_what_is_served(settings: Settings, register_one, events) -> None:
    register_one()
    promote(settings, 1)
    serving_model(settings)
    assert {"event": "serving_model", "model_version": 1, "alias": "champion", "recipe": "baseline"}.items() <= events[
        -1
    ].items()


def test_a_damaged_cache_is_fetched_again(settings: Settings, register_one) -> None:
    register_one()
    promote(settings, 1)
    weights = fetch(settings, "champion") / "weights.npz"
    weights.write_bytes(b"")

    assert serving_model(settings).version == "1"
    weights.write_bytes(b"")
    assert open_any(settings, "champion")[0].version == "1"
    assert weights.stat().st_size > 0


def test_a_cached_model_that_answers_otherwise_than_what_was_registered_is_fetched_again(
    settings: Settings, register_one, tmp_path: Path
) -> None:
    register_one()
    promote(settings, 1)
    expected = serving_model(settings).predict_proba(TEXTS)
    facts = fetch(settings, "champion") / "model.json"
    # Readable, of the right format, and not what was registered.
    changed = facts.read_text().replace('"temperature": 1.0', '"temperature": 5.0')
    assert changed != facts.read_text()

    facts.write_text(changed)
    np.testing.assert_array_equal(serving_model(settings).predict_proba(TEXTS), expected)
    facts.write_text(changed)
    np.testing.assert_array_equal(open_any(settings, "champion")[0].predict_proba(TEXTS), expected)


def test_while_the_embedded_registry_is_unchanged_mlflow_is_not_imported(settings: Settings, register_one) -> None:
    register_one()
    promote(settings, 1)
    serving_model(settings)

    script = (
        "import sys; from pathlib import Path; from reelsense.settings import Settings\n"
        "from reelsense.registry.loading import serving_model\n"
        "print(serving_model(Settings(home=Path(sys.argv[1]))).version, 'mlflow' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(settings.home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip().endswith("1 False")

    register_one("train-2", seed=2)
    promote(settings, 2)
    assert serving_model(settings).version == "2"


def test_without_mlflow_the_last_served_version_goes_on(settings: Settings, register_one, events) -> None:
    register_one()
    promote(settings, 1)
    serving_model(settings)
    (settings.home / "mlflow.db").write_bytes(b"no database " * 1000)

    assert serving_model(settings).version == "1"
    assert "registry_unavailable" in [event["event"] for event in events]


def test_what_cant_be_remembered_or_kept_does_not_keep_a_model_from_serving(
    settings: Settings, register_one, events
) -> None:
    register_one()
    promote(settings, 1)
    cache = settings.home / "cache"
    fetch(settings, 1)
    serving_model(settings)
    (note,) = (cache / "models").glob("served-*.json")
    note.unlink()
    note.mkdir()

    assert serving_model(settings).version == "1"
    assert "served_not_remembered" in [event["event"] for event in events]
    assert sorted(path.name for path in note.parent.iterdir())[-1] == note.name

    shutil.rmtree(cache)
    cache.write_text("no folder")
    assert serving_model(settings).version == "bundled-data99"
    with pytest.raises(RegistryError, match="make room there"):
        fetch(settings, 1)


def test_the_folder_of_what_serves_is_known_while_mlflow_is_away(settings: Settings, register_one) -> None:
    register_one()
    promote(settings, 1)
    classifier, folder = load_with_folder("champion", settings)
    assert load_folder(folder, "1").version == classifier.version
    (settings.home / "mlflow.db").write_bytes(b"no database " * 1000)

    again, where = load_with_folder("champion", settings)

    assert (again.version, where) == ("1", folder)


def test_without_mlflow_and_cache_the_bundled_model_serves(tmp_path: Path, events) -> None:
    down = Settings(home=tmp_path / "home", mlflow_tracking_uri="http://127.0.0.1:9")

    assert serving_model(down).version == "bundled-data99"
    assert events[-1]["why"] == "registry_unavailable"


def test_a_champion_that_cant_be_loaded_leaves_the_bundled_model(settings: Settings, register_one, events) -> None:
    register_one()
    promote(settings, 1)
    facts = fetch(settings, 1) / "model.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "kind": "oracle"}))
    client = registry_client(settings)
    with translated(settings):
        version = client.get_model_version("reelsense", "1")
    stored = Path(version.source.removeprefix("file://")) / "artifacts" / "model" / "model.json"
    stored.write_bytes(facts.read_bytes())
    client.set_model_version_tag("reelsense", "1", "reelsense.digest", folder_digest(stored.parent))

    assert serving_model(settings).version == "bundled-data99"
    assert "champion_unusable" in [event["event"] for event in events]


def test_open_any_takes_folder_bundled_alias_number_latest_and_recipe(
    settings: Settings, register_one, train_one
) -> None:
    register_one("train-1", seed=1, recipe="kcbert")
    register_one("train-2", seed=2, recipe="kcbert")
    register_one("train-3", seed=3, recipe="baseline")
    promote(settings, 1)

    assert open_any(settings, "bundled")[0].version == "bundled-data99"
    assert open_any(settings, str(train_one(4)))[0].version.startswith("folder-")
    assert open_any(settings, "champion")[0].version == "1"
    assert open_any(settings, "3")[1] == fetch(settings, 3)
    assert open_any(settings, "latest")[0].version == "3"
    assert open_any(settings, "kcbert")[0].version == "2"
    with pytest.raises(InputError, match=r"'klue' is no model folder.*bundled, champion.*kcbert"):
        open_any(settings, "klue")


def test_only_the_recently_used_versions_stay_in_the_cache(settings: Settings, register_one) -> None:
    for number in range(1, 9):
        register_one(f"train-{number}", seed=number)
        fetch(settings, number)

    kept = [path.name for path in (settings.home / "cache" / "models").iterdir() if path.is_dir()]
    assert len(kept) == 6
    assert any(name.endswith("-8") for name in kept)
    assert not any(name.endswith("-1") for name in kept)
