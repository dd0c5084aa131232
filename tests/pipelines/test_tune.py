"""`tune`: a real Optuna search that survives kills, prunes what is not worth going on, and is told to MLflow."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

optuna = pytest.importorskip("optuna")

from tune_until_killed import RANGES, dataset, search, settings  # noqa: E402

from reelsense.errors import InputError, SettingsError  # noqa: E402
from reelsense.pipelines.tune import Search, tune, write_recipe  # noqa: E402
from reelsense.pipelines.tuning_study import heard_by, open_study  # noqa: E402
from reelsense.registry.client import experiment_id, registry_client  # noqa: E402
from reelsense.registry.tuning_runs import TrialRun  # noqa: E402
from reelsense.settings import load_settings  # noqa: E402
from reelsense.training.data import Dataset  # noqa: E402
from reelsense.training.search import own_values, parse_range, run_trial, space_of, with_values  # noqa: E402

SCRIPT = Path(__file__).with_name("tune_until_killed.py")


def test_a_killed_search_goes_on_and_every_trial_is_told_once(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), "4", "2"], check=False)
    assert killed.returncode == -signal.SIGKILL
    storage = f"sqlite:///{tmp_path}/tuning/baseline.db"
    (stale,) = optuna.load_study(study_name="baseline", storage=storage).get_trials(
        states=[optuna.trial.TrialState.RUNNING]
    )

    found = search(tmp_path, 4)

    assert [trial.outcome for trial in found.trials] == ["complete"] * 4
    # The first is the recipe, within the ranges; the one that was killed was done again.
    assert found.trials[0].parameters == own_values(settings(tmp_path), found.space)
    assert stale.number not in [trial.number for trial in found.trials]
    assert stale.params in [trial.parameters for trial in found.trials]
    # With another seed after the kill, no trial is drawn twice.
    assert len({str(trial.parameters) for trial in found.trials}) == 4
    assert found.macro_f1 == max(trial.metrics["macro_f1"] for trial in found.trials)

    client = registry_client(settings(tmp_path))
    runs = client.search_runs([experiment_id(client)])
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == found.mlflow_run]
    assert len(runs) == 5
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert sorted(run.data.metrics["validation/macro_f1"] for run in nested) == sorted(
        trial.metrics["macro_f1"] for trial in found.trials
    )
    assert all(run.data.params.keys() == found.best.keys() for run in nested)
    assert client.get_run(found.mlflow_run).data.metrics["best/macro_f1"] == found.macro_f1

    recipe = yaml.safe_load(found.out.read_text(encoding="utf-8"))
    assert recipe["model"]["hash_bits"] == found.best["model.hash_bits"]
    assert recipe["model"]["name"] == "baseline"
    assert recipe["training"].keys() == {"epochs", "weight_decay"}
    # Nothing but the study and the recipe is left.
    assert not [path for path in (tmp_path / "tuning").iterdir() if path.is_dir()]

    again = search(tmp_path, 4)
    assert [trial.number for trial in again.trials] == [trial.number for trial in found.trials]
    assert len(client.search_runs([experiment_id(client)])) == 5

    with pytest.raises(SettingsError, match="other values of data"):
        tune(dataset("another"), settings(tmp_path), 5, ranges=RANGES)
    with pytest.raises(SettingsError, match="other values of space"):
        tune(dataset(), settings(tmp_path), 5)


def test_studies_of_one_name_keep_their_trials_apart(tmp_path: Path) -> None:
    mlflow = f"sqlite:///{tmp_path}/mlflow.db"
    here, there = (
        settings(tmp_path / home).model_copy(update={"mlflow_tracking_uri": mlflow}) for home in ("here", "there")
    )
    first = tune(dataset(), here, 1, ranges=RANGES)
    elsewhere = tune(dataset(), there, 1, ranges=RANGES)
    (here.home / "tuning" / "baseline.db").unlink()  # as the error about other values says
    anew = tune(dataset(), here, 1, ranges=RANGES)

    parents = {found.mlflow_run for found in (first, elsewhere, anew)}
    assert len(parents) == 3
    client = registry_client(here)
    runs = client.search_runs([experiment_id(client)])
    assert {run.data.tags["mlflow.parentRunId"] for run in runs if run.info.run_id not in parents} == parents


def test_one_study_is_searched_by_one_process(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "tuning").mkdir()
    with (tmp_path / "tuning" / "baseline.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            search(tmp_path, 1)


def test_a_baseline_without_the_corpus_is_not_tuned(tmp_path: Path) -> None:
    given = dataset()
    with pytest.raises(InputError, match=r"dataset\.folder"):
        tune(Dataset(given.train, given.validation, given.version, {"rating": 384}), settings(tmp_path), 1)


def test_a_blend_is_not_tuned_but_its_members_are_named(tmp_path: Path) -> None:
    chosen = load_settings("small", {"home": str(tmp_path)}, env_file=None)
    with pytest.raises(InputError, match="small-from-scratch, baseline"):
        tune(dataset(), chosen, 1)


def test_a_recipe_that_can_not_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "best.yaml").mkdir()
    study = optuna.create_study(direction="maximize")
    found = Search(study, "s", dataset(), settings(tmp_path), RANGES, 1, float("inf"), "")
    best = TrialRun(0, "complete", {"training.epochs": 4}, {"macro_f1": 0.9})
    with pytest.raises(InputError, match=r"best\.yaml' can't be written"):
        write_recipe(found, best, 1, tmp_path / "best.yaml")
    write_recipe(found, best, 1, tmp_path / "new" / "best.yaml")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["best.yaml"]


def test_an_encoders_trial_is_pruned_and_leaves_nothing(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    overrides = {"home": str(tmp_path), "dataset.max_length": 16, "training.epochs": 3, "log_level": "ERROR"}
    chosen = load_settings("small-from-scratch", overrides, env_file=None)
    given = dataset()
    small = Dataset(given.train[:64], given.validation[:32], given.version, {"corpus": 96})
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
    perfect = study.ask()
    for step in range(1, 20):
        perfect.report(1.0, step)
    study.tell(perfect, 1.0)
    folder = tmp_path / "trial"
    seen = []

    result = run_trial(
        small, chosen, {"training.epochs": 2}, folder, heard_by(study.ask()), lambda e, _: seen.append(e)
    )

    assert result.outcome == "pruned"
    assert seen.count("evaluation") == 1
    assert not folder.exists()


def test_a_trial_too_large_for_the_gpu_has_failed_and_the_search_goes_on(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    overrides = {"model.name": "scratch", "model.hidden": 16, "dataset.max_length": 16, "training.epochs": 1}
    given = dataset()
    small = Dataset(given.train[:64], given.validation[:32], given.version, {"corpus": 96})

    def full(event: str, _: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")  # as a step does where the memory is too small

    study = optuna.create_study(direction="maximize")
    result = run_trial(
        small, load_settings(None, overrides, env_file=None), {}, tmp_path / "trial", heard_by(study.ask()), full
    )

    assert result.outcome == "failed"
    assert "training.batch_size" in result.reason


def test_a_study_is_of_one_weight_of_lukewarm_reviews(tmp_path: Path) -> None:
    for weight in (0.3, 0.5):
        chosen = load_settings(None, {"home": str(tmp_path), "dataset.lukewarm_weight": weight}, env_file=None)
        opened = open_study(chosen, "one", dataset(), ())
        if weight == 0.3:
            with opened:
                continue
        with pytest.raises(SettingsError, match="other values of fixed"), opened:
            pass


def test_a_trial_taken_up_again_reports_behind_what_it_had_reported() -> None:
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({}, user_attrs={"again": {"1": 0.6, "2": 0.7}})
    trial = study.ask()
    heard_by(trial)(1, 0.8)
    assert study.get_trials()[0].intermediate_values == {1: 0.6, 2: 0.7, 3: 0.8}


def test_a_range_is_checked_before_anything_is_trained(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    found = parse_range(chosen, "training.weight_decay", "0.001:1")
    assert (found.low, found.high, found.log, found.whole) == (0.001, 1, True, False)
    assert {one.key: one for one in space_of(chosen, [found])}["training.weight_decay"] == found
    for key, ends in (
        ("training.weight_decays", "0:1"),
        ("home", "0:1"),
        ("training.epochs", "5"),
        ("training.epochs", "5:2"),
        ("model.hash_bits", "5:40"),
    ):
        with pytest.raises(SettingsError):
            parse_range(chosen, key, ends)
    with pytest.raises(SettingsError):
        with_values(chosen, {"model.hash_bits": 60})


@pytest.mark.exhaustive
def test_ray_does_the_trials_beside_each_other(tmp_path: Path) -> None:
    if find_spec("ray") is None:
        pytest.skip("no Ray: make setup-full")
    found = tune(dataset(), settings(tmp_path), 4, ranges=RANGES, engine="ray")
    assert [trial.outcome for trial in found.trials] == ["complete"] * 4
    assert found.own is not None
    assert found.macro_f1 >= found.own
