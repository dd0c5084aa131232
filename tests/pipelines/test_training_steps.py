"""A training in steps: each can be repeated, by another process with another home, on data that no longer move."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reelsense.errors import RegistryError, StoreError
from reelsense.models.loading import read_facts
from reelsense.objects import open_objects
from reelsense.pipelines import retrain as steps
from reelsense.pipelines.check import CHECKS, check_model
from reelsense.pipelines.labels_snapshot import keep_labels, kept_labels
from reelsense.pipelines.maintain import CHORES, maintain
from reelsense.pipelines.plan import find_plan, plan_training, training_key
from reelsense.pipelines.retrain import retrain
from reelsense.registry.client import registry_client
from reelsense.registry.tracking import log_run, tag_run
from reelsense.registry.versions import find_version, list_versions, make_candidate, promote, register
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database
from reelsense.store.labels import add_labels, trainable_texts
from reelsense.store.runs import find_run_row
from reelsense.training.data import Dataset
from reelsense.training.trainers import train
from reelsense.types import Label, LabelledText, Sentiment

pytestmark = pytest.mark.slow


def elsewhere(settings: Settings, folder: Path) -> Settings:
    """The same platform as another worker sees it: its own home, the shared stores."""
    return settings.model_copy(
        update={
            "home": folder,
            "object_store": settings.resolved_object_store,
            "mlflow_tracking_uri": settings.resolved_tracking_uri,
            "mlflow_artifacts": settings.resolved_artifacts,
        }
    )


def correct(db: Database, number: int) -> None:
    """People say the opposite of some ratings."""
    with db.begin() as connection:
        rows = trainable_texts(connection, 1.0)[:number]
        said = {0: Sentiment.POSITIVE, 1: Sentiment.NEGATIVE}
        add_labels(connection, [Label(row.review_id or 0, said[row.label], "me", datetime.now(UTC)) for row in rows])


def trainable_rows(db: Database) -> list[LabelledText]:
    with db.connect() as connection:
        return trainable_texts(connection, 1.0)


def test_kept_labels_come_back_as_they_were_and_equal_ones_are_one_file(tmp_path: Path) -> None:
    objects = open_objects(str(tmp_path))
    rows = [
        LabelledText("좋다 😀", 1, "rating", 1.0, 7, datetime(2026, 9, 1, 3, 4, 5, tzinfo=UTC)),
        LabelledText("나쁘다", 0, "person", 3.0, 8, None),
    ]
    digest = keep_labels(objects, rows)
    assert keep_labels(objects, rows) == digest
    assert kept_labels(objects, digest) == rows
    assert keep_labels(objects, rows[:1]) != digest
    with pytest.raises(StoreError, match="are gone"):
        kept_labels(objects, "0" * 16)


def test_each_step_can_be_done_twice_and_by_another_worker(
    crawled: Database, settings: Settings, tmp_path: Path
) -> None:
    plan = plan_training(crawled, settings)
    here, there = settings, elsewhere(settings, tmp_path / "there")
    for worker in (here, there):
        steps.train_planned(crawled, worker, plan.key)
    shutil.rmtree(settings.home / "training")
    runs = [steps.judge_planned(crawled, worker, plan.key).run_id for worker in (there, here)]
    versions = [steps.register_planned(crawled, worker, plan.key) for worker in (here, there)]
    assert [steps.promote_planned(crawled, worker, plan.key) for worker in (here, there)] == versions
    checked = [steps.check_planned(crawled, worker, plan.key) for worker in (here, there)]
    champion = find_version(settings, "champion")
    assert champion is not None
    assert checked == [champion.version == 2] * 2
    ended = [steps.finish_planned(crawled, worker, plan.key).status for worker in (here, there)]

    assert len(set(runs)) == len(set(versions)) == len(set(ended)) == 1
    assert [found.version for found in list_versions(settings)] == [2, 1]
    assert open_objects(settings.resolved_object_store).keys("candidates/") == []
    with crawled.connect() as connection:
        run = find_run_row(connection, plan.key)
    assert run is not None
    assert run.status == "succeeded"
    assert run.counts["outcome"] == ended[0]


def test_a_training_taken_up_again_learns_from_its_own_data(crawled: Database, settings: Settings) -> None:
    plan = plan_training(crawled, settings)
    correct(crawled, 40)  # meanwhile people go on

    taken_up = plan_training(crawled, settings)
    assert (taken_up.key, taken_up.stored, taken_up.data_version) == (plan.key, plan.stored, plan.data_version)
    assert retrain(crawled, settings).data_version == plan.data_version
    assert plan_training(crawled, settings, force=True).data_version != plan.data_version


def test_another_recipe_does_not_take_up_what_was_begun(crawled: Database, settings: Settings) -> None:
    plan = plan_training(crawled, settings)
    other = settings.model_copy(update={"training": settings.training.model_copy(update={"epochs": 3})})

    assert plan_training(crawled, other).key != plan.key


def test_a_training_whose_data_are_gone_is_closed_and_another_planned(crawled: Database, settings: Settings) -> None:
    plan = plan_training(crawled, settings)
    shutil.rmtree(Path(settings.resolved_object_store) / "datasets")
    correct(crawled, 10)

    other = plan_training(crawled, settings)
    assert other.key != plan.key
    with crawled.connect() as connection:
        run = find_run_row(connection, plan.key)
    assert run is not None
    assert run.status == "failed"
    assert "can't be taken up" in run.message


def test_an_unknown_training_and_a_refused_one_are_errors(crawled: Database, settings: Settings) -> None:
    with pytest.raises(StoreError, match="no training 'nothing'"):
        find_plan(crawled, "nothing")
    strict = settings.model_copy(update={"model": settings.model.model_copy(update={"register_threshold": 1.0})})
    plan = plan_training(crawled, strict)
    steps.train_planned(crawled, strict, plan.key)
    steps.judge_planned(crawled, strict, plan.key)
    with pytest.raises(RegistryError, match="gate has refused"):
        steps.register_planned(crawled, strict, plan.key)
    assert steps.finish_planned(crawled, strict, plan.key).status == "refused"


def test_a_champion_whose_stored_files_are_damaged_is_withdrawn_for_good(
    crawled: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelsense.pipelines.smoke._BETWEEN_FETCHES", 0.0)
    plan = plan_training(crawled, settings)
    steps.train_planned(crawled, settings, plan.key)
    logged = steps.judge_planned(crawled, settings, plan.key)
    tag_run(settings, logged.run_id, steps.VERDICT_TAG, "promote")
    version = steps.register_planned(crawled, settings, plan.key)
    client = registry_client(settings)
    place = client.get_model_version_download_uri(settings.registered_model, str(version)).removeprefix("file://")
    weights = next(Path(place).rglob("weights.npz"))
    weights.write_bytes(weights.read_bytes()[:-100])

    for _ in range(2):  # cleared and done again, it is not promoted again
        steps.promote_planned(crawled, settings, plan.key)
        assert not steps.check_planned(crawled, settings, plan.key)
        champion = find_version(settings, "champion")
        assert champion is not None
        assert champion.version == 1
        assert list_versions(settings)[0].archived
    ended = steps.finish_planned(crawled, settings, plan.key)
    assert ended.status == "withdrawn"
    assert "arrived damaged" in ended.reason


def test_a_fine_tuning_needs_people_and_starts_at_the_champion(crawled: Database, settings: Settings) -> None:
    assert retrain(crawled, settings, finetune=True).status == "skipped"
    assert retrain(crawled, settings, finetune=True, force=True).status == "skipped"  # there is nothing to learn from

    correct(crawled, 60)
    ended = retrain(crawled, settings, finetune=True)
    assert ended.status in ("promoted", "candidate", "refused")
    assert retrain(crawled, settings, finetune=True).status == "skipped"


def test_a_fine_tuned_encoder_keeps_its_name_and_way_of_learning_whatever_the_recipe(
    crawled: Database, settings: Settings, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    rows = tuple(trainable_rows(crawled))
    tiny = {"model.hidden": 16, "dataset.max_length": 24, "training.batch_size": 32, "home": str(settings.home)}
    chosen = load_settings("small-from-scratch", tiny, env_file=None)
    learned = train(Dataset(rows[:100], rows[100:130], "first", {"rating": 130}), chosen, tmp_path / "encoder")
    run = log_run(
        settings, key="first", recipe="small-from-scratch", parameters={}, metrics={}, folder=learned.folder,
        data_version="first", evaluations={"validation": learned.validation}, samples=[], model_card="", tags={},
    )  # fmt: skip
    promote(settings, register(settings, run, "first").version)
    correct(crawled, 60)

    plan = plan_training(crawled, settings, finetune=True)  # the recipe is the baseline's
    steps.train_planned(crawled, settings, plan.key)

    facts = read_facts(settings.home / "training" / plan.key)
    assert (facts["kind"], facts["name"], facts["max_length"]) == ("transformer", "small-from-scratch", 24)
    assert (facts["parameters"]["training.epochs"], facts["parameters"]["training.batch_size"]) == (1, 32)


def test_another_weight_of_lukewarm_reviews_is_another_training(settings: Settings) -> None:
    weighed = [settings.dataset.model_copy(update={"lukewarm_weight": weight}) for weight in (0.3, 0.5)]
    keys = {training_key(settings.model_copy(update={"dataset": chosen}), "the same") for chosen in weighed}
    assert len(keys) == 2


def test_the_checks_say_what_they_saw(settings: Settings) -> None:
    results = {name: check_model(settings, name) for name in CHECKS}
    assert all(result.passed for result in results.values())
    assert "긍정" in results["single"].found
    assert "256/256" in results["batch"].found
    away = settings.model_copy(update={"links": settings.links.model_copy(update={"api": "http://127.0.0.1:9"})})
    assert not check_model(away, "service").passed
    assert "does not answer" in check_model(away, "service").found


def test_maintenance_archives_spare_versions_and_keeps_those_in_use(crawled: Database, settings: Settings) -> None:
    retrain(crawled, settings)
    make_candidate(settings, 2)
    assert {name: maintain(crawled, settings, name) for name in CHORES} == dict.fromkeys(CHORES, 0)
    settings.automation.keep_versions = 0
    client = registry_client(settings)
    client.delete_registered_model_alias(settings.registered_model, "candidate")
    assert maintain(crawled, settings, "versions") == 1
    assert [(found.version, found.archived) for found in list_versions(settings)] == [(2, True), (1, False)]


def test_kept_labels_that_are_damaged_are_said_to_be_and_are_kept_anew(tmp_path: Path) -> None:
    objects = open_objects(str(tmp_path))
    rows = [LabelledText("좋다", 1, "rating", 1.0, 7, None), LabelledText("나쁘다", 0, "person", 3.0, 8, None)]
    digest = keep_labels(objects, rows)
    (key,) = objects.keys()
    whole = objects.read(key) or b""
    for damaged in (b"", whole[: len(whole) // 2], b"no parquet at all"):
        objects.write(key, damaged)
        with pytest.raises(StoreError, match="are damaged"):
            kept_labels(objects, digest)
        assert keep_labels(objects, rows) == digest
        assert kept_labels(objects, digest) == rows
