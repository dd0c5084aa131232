"""One training, one run, with everything a reader needs to judge it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from local_server import free_port
from mlflow import pyfunc
from small_models import TEXTS, log_folder

from reelsense.errors import ModelError, RegistryError
from reelsense.pipelines.plan import plan_training
from reelsense.registry.client import experiment_id, registry_client
from reelsense.registry.tracking import KEY_TAG, LABELS_TAG, folder_digest, log_numbers, log_run, tag_run
from reelsense.settings import Settings
from reelsense.store.database import open_database


def test_a_run_holds_numbers_plots_card_samples_and_the_model(settings: Settings, log_one, train_one) -> None:
    run_id = log_one()

    client = registry_client(settings)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "3"
    assert run.data.params["data_version"] == "data0"
    assert {"test/accuracy", "test/macro_f1", "test/precision", "test/recall", "test/ece"} <= run.data.metrics.keys()
    assert {"test/class_positive_f1", "newest/length_1-10_accuracy", "seconds"} <= run.data.metrics.keys()
    assert run.data.tags["why"] == "a test"
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.inputs.dataset_inputs[0].dataset.digest == "data0"

    report = Path(client.download_artifacts(run_id, ""))
    assert (report / "model_card.md").read_text(encoding="utf-8").startswith("# 모델 카드")
    rows = list(csv.DictReader((report / "samples.csv").open(encoding="utf-8", newline="")))
    assert rows[0]["text"] == "정말 최고의 영화"
    assert rows[0]["label"] == "1"
    for name in ("test", "newest"):
        for plot in ("confusion_matrix.png", "calibration.png"):
            assert (report / "evaluations" / name / plot).read_bytes().startswith(b"\x89PNG")

    model = client.get_logged_model(run.outputs.model_outputs[0].model_id)
    assert model.status == "READY"
    stored = Path(model.artifact_location.removeprefix("file://"))
    assert folder_digest(stored / "artifacts" / "model") == folder_digest(train_one(0))
    assert not list(stored.rglob("*.pkl"))
    assert (stored / "requirements.txt").read_text().startswith("mlflow==")
    assert not list((settings.home / "cache" / "staging").iterdir())


def test_more_numbers_than_mlflow_takes_at_once_are_all_there(settings: Settings) -> None:
    client = registry_client(settings)
    run_id = client.create_run(experiment_id(client)).info.run_id
    parameters = {f"parameter-{number}": "x" * 7000 for number in range(150)}

    log_numbers(client, run_id, parameters, {"accuracy": 0.9}, {"macro_f1": dict.fromkeys(range(1, 1200), 0.5)})

    found = client.get_run(run_id).data
    assert found.params.keys() == parameters.keys()
    assert found.metrics == {"accuracy": 0.9, "macro_f1": 0.5}
    assert len(client.get_metric_history(run_id, "macro_f1")) == 1199


def test_the_logged_model_answers_neutral_under_the_bound_of_the_settings(settings: Settings, train_one) -> None:
    never_sure = settings.model_copy(update={"neutral_below": 1.0})
    run_id = log_folder(never_sure, train_one(0), "train-1")

    client = registry_client(settings)
    stored = client.get_logged_model(client.get_run(run_id).outputs.model_outputs[0].model_id)
    model = pyfunc.load_model(stored.artifact_location)

    assert set(model.predict(TEXTS)["sentiment"]) == {"neutral"}
    assert "neutral" not in set(model.predict(TEXTS, params={"neutral_below": 0.5})["sentiment"])


def test_the_same_key_twice_is_one_run(settings: Settings, log_one) -> None:
    first = log_one("train-1")
    second = log_one("train-1")
    other = log_one("train-2")

    assert first == second != other
    client = registry_client(settings)
    assert len(client.search_runs([experiment_id(client)])) == 2


def test_an_unfinished_run_of_the_key_is_put_away(settings: Settings, log_one) -> None:
    client = registry_client(settings)
    left = client.create_run(experiment_id(client), tags={KEY_TAG: "train-1"}).info.run_id
    half = client.create_logged_model(experiment_id(client), "baseline", left)

    run_id = log_one("train-1")

    assert client.get_run(left).info.lifecycle_stage == "deleted"
    assert client.get_run(left).info.status == "KILLED"
    models = client.search_logged_models([experiment_id(client)])
    assert half.model_id not in [model.model_id for model in models]
    assert [run.info.run_id for run in client.search_runs([experiment_id(client)])] == [run_id]


def test_a_folder_without_a_model_starts_no_run(settings: Settings, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(ModelError, match=r"model\.json"):
        log_run(settings, "k", "baseline", {}, {}, empty, "d", {}, [], "", {})

    client = registry_client(settings)
    assert client.search_runs([experiment_id(client)]) == []


def test_a_run_that_fails_is_marked_failed_and_can_be_repeated(settings: Settings, train_one) -> None:
    folder = train_one(0)
    with pytest.raises(ValueError, match="could not convert"):
        log_run(settings, "k", "baseline", {}, {"seconds": "soon"}, folder, "d", {}, [], "card", {})

    again = log_folder(settings, folder, "k")

    client = registry_client(settings)
    states = {run.info.run_id: run.info.status for run in client.search_runs([experiment_id(client)])}
    assert sorted(states.values()) == ["FAILED", "FINISHED"]
    assert states[again] == "FINISHED"


def test_a_key_that_mlflow_could_not_find_again_is_refused(settings: Settings, train_one) -> None:
    with pytest.raises(RegistryError, match="quotes"):
        log_folder(settings, train_one(0), "it's")


def test_a_server_that_is_down_is_named_with_the_cure_and_without_the_password(tmp_path: Path) -> None:
    port = free_port()
    down = Settings(home=tmp_path, mlflow_tracking_uri=f"http://user:hush@127.0.0.1:{port}")

    with pytest.raises(RegistryError, match="docker compose up -d mlflow") as caught:
        registry_client(down)

    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_database_server_that_is_down_is_named_within_seconds(tmp_path: Path) -> None:
    port = free_port()
    down = Settings(home=tmp_path, mlflow_tracking_uri=f"postgresql://user:hush@127.0.0.1:{port}/mlflow")

    with pytest.raises(RegistryError, match="can't be reached") as caught:
        registry_client(down)

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("address", ["postgresql://user:hush@db:54x2/mlflow", "postgresql://user:hush@[db/mlflow"])
def test_an_address_that_is_none_is_a_registry_error(address: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="can't be reached") as caught:
        registry_client(Settings(home=tmp_path, mlflow_tracking_uri=address))
    assert "hush" not in str(caught.value)


def test_a_database_is_not_looked_for_at_the_port_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"needs the package 'MySQLdb'|refused: "):
        registry_client(Settings(home=tmp_path, mlflow_tracking_uri="mysql://user:hush@127.0.0.1/mlflow"))


def test_a_broken_database_is_a_registry_error(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database " * 1000)

    with pytest.raises(RegistryError, match="refused"):
        registry_client(Settings(home=tmp_path))


@pytest.mark.parametrize("told", ["many", "", "-5", "9" * 30, "²"])
def test_a_number_of_labels_that_is_none_keeps_no_training_from_being_planned(
    told: str, settings: Settings, log_one
) -> None:
    tag_run(settings, log_one(), LABELS_TAG, told)
    plan = plan_training(open_database(settings.resolved_database_url), settings)
    assert plan.done
