"""The daily loop: trains for a reason, judges honestly, registers once, and can be taken up after any kill."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reelsense.devsite.library import sample_library
from reelsense.models.loading import BUNDLED, load_bundled
from reelsense.pipelines import retrain as retraining
from reelsense.pipelines.champion import ensure_champion
from reelsense.pipelines.plan import plan_training
from reelsense.pipelines.retrain import retrain
from reelsense.registry.client import registry_client
from reelsense.registry.loading import serving_model
from reelsense.registry.tracking import find_run, list_runs
from reelsense.registry.versions import archive, list_versions
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.labels import add_labels, trainable_texts
from reelsense.store.runs import latest_runs
from reelsense.text.clean import text_key
from reelsense.training.data import build_dataset, newest_held_out
from reelsense.types import Label, Sentiment

pytestmark = pytest.mark.slow


def upside_down_corpus(folder: Path) -> Path:
    """A corpus made of the sample: a true sealed test, and a training file whose labels are turned round."""
    library = sample_library()
    folder.mkdir(parents=True)
    for name, sites, turned in (("test", ("cgv", "lotte", "naver"), False), ("train", ("megabox",), True)):
        rows = [
            (str(review.id), review.text, str(int((review.rating >= 9) != turned)))
            for site in sites
            for film in library.films
            for review in library.visible(site, film)
            if review.rating <= 4 or review.rating >= 9
        ]
        lines = ["id\tdocument\tlabel", *("\t".join(row) for row in rows)]
        (folder / f"ratings_{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_an_empty_registry_gets_the_bundled_model_as_champion(settings: Settings) -> None:
    champion = ensure_champion(settings)

    assert champion.aliases == ("champion",)
    assert ensure_champion(settings) == champion
    assert serving_model(settings).version == str(champion.version)
    text = ["이 영화 정말 좋았어요"]
    assert serving_model(settings).predict_proba(text) == load_bundled().predict_proba(text)


def test_a_registry_that_lost_its_champion_gets_a_usable_one(settings: Settings) -> None:
    bundled = ensure_champion(settings)
    client = registry_client(settings)

    client.delete_registered_model_alias(settings.registered_model, "champion")
    assert ensure_champion(settings) == bundled

    client.delete_registered_model_alias(settings.registered_model, "champion")
    archive(settings, bundled.version)
    assert ensure_champion(settings) == bundled


def test_without_new_labels_nothing_is_trained_and_the_reason_is_said(db: Database, settings: Settings) -> None:
    result = retrain(db, settings)

    assert result.status == "skipped"
    assert "50" in result.reason
    assert len(list_versions(settings)) == 1


def test_the_first_corpus_is_a_reason_to_train_and_only_once(db: Database, settings: Settings, tmp_path: Path) -> None:
    folder = upside_down_corpus(tmp_path / "corpus")
    with_corpus = settings.model_copy(update={"dataset": settings.dataset.model_copy(update={"folder": folder})})

    first, second = retrain(db, with_corpus), retrain(db, with_corpus)

    # Judged, and refused for its labels: the corpus says the opposite of what is true.
    assert (first.status, second.status) == ("refused", "skipped")


def test_a_few_labels_beside_the_corpus_that_the_bundled_model_knows_are_no_reason(
    crawled: Database, settings: Settings, corpus: Path
) -> None:
    more = {"dataset": settings.dataset.model_copy(update={"folder": corpus})}
    more["retrain"] = settings.retrain.model_copy(update={"min_new_labels": 1000})

    assert plan_training(crawled, settings.model_copy(update=more)).done


def test_with_new_labels_a_model_is_trained_judged_and_registered_once(crawled: Database, settings: Settings) -> None:
    result = retrain(crawled, settings)
    again = retrain(crawled, settings)

    assert result.status in ("candidate", "promoted")
    assert result.metrics["newest/n"] > 20
    assert result.metrics["champion/newest/n"] == result.metrics["newest/n"]
    assert again.status == "skipped"
    assert len(list_versions(settings)) == 2
    with crawled.connect() as connection:
        assert [run.status for run in latest_runs(connection, "retrain")] == ["skipped", "succeeded"]


def test_forced_on_the_same_data_it_says_that_it_was_done_before(crawled: Database, settings: Settings) -> None:
    before = retrain(crawled, settings)
    forced = retrain(crawled, settings, force=True)

    assert forced.status == "skipped"
    assert forced.reason.endswith(before.reason)
    assert "이미 학습했습니다" in forced.reason


def test_no_held_out_text_is_ever_trained_on(crawled: Database, settings: Settings) -> None:
    with crawled.connect() as connection:
        stored = trainable_texts(connection, settings.dataset.person_weight)
    held_out = {text_key(row.text) for row in newest_held_out(stored, settings)}
    dataset = build_dataset(settings, stored)
    trained = {text_key(row.text) for row in dataset.train}
    validated = {text_key(row.text) for row in dataset.validation}

    assert len(held_out) > 20
    assert len(trained) > 80
    assert not held_out & trained
    assert not held_out & validated
    assert not trained & validated


def test_a_model_of_wrong_labels_is_refused_and_the_reason_has_numbers(db: Database, settings: Settings) -> None:
    settings.dataset.folder = upside_down_corpus(settings.home / "corpus")
    settings.model.register_threshold = 0.0  # the threshold alone must not be what refuses it

    result = retrain(db, settings, force=True)

    assert result.status == "refused"
    assert "macro-F1" in result.reason
    assert "p<" in result.reason
    assert [version.version for version in list_versions(settings)] == [1]


@pytest.mark.parametrize("broken", ["log_run", "register", "promote", "make_candidate", "finish_run"])
def test_a_run_cut_short_at_any_step_is_taken_up_and_ends_with_one_version(
    broken: str, crawled: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_champion(settings)
    whole = getattr(retraining, broken)

    class Killed(BaseException):
        """Stands for a kill: no `except Exception` sees it."""

    def dies_after(*args: object, **named: object) -> object:
        whole(*args, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(retraining, broken, dies_after)
        with suppress(Killed):
            retrain(crawled, settings)

    finished = retrain(crawled, settings)

    assert finished.status in ("candidate", "promoted", "skipped")
    versions = list_versions(settings)
    assert [version.version for version in versions] == [2, 1]
    wanted = versions[0]
    run = find_run(settings, wanted.key)
    assert run is not None
    verdict = run.tags["reelsense.verdict"]
    assert wanted.aliases == (("champion",) if verdict == "promote" else ("candidate",))
    assert len(list_runs(settings)) == 2
    with crawled.connect() as connection:
        ended = [run.status for run in latest_runs(connection, "retrain") if run.status != "skipped"]
    assert ended == ["succeeded"]


def test_a_persons_label_outweighs_the_rating(crawled: Database, settings: Settings) -> None:
    with crawled.connect() as connection:
        row = next(row for row in trainable_texts(connection, settings.dataset.person_weight) if row.label == 1)
    with crawled.begin() as connection:
        assert row.review_id is not None
        add_labels(connection, [Label(row.review_id, Sentiment.NEGATIVE, "editor", datetime.now(UTC))])
        again = trainable_texts(connection, settings.dataset.person_weight)
    changed = next(found for found in again if found.review_id == row.review_id)

    assert (changed.label, changed.origin) == (0, "person")
    assert changed.weight > row.weight


def test_the_bundled_card_says_what_the_model_json_says() -> None:
    facts = json.loads((BUNDLED / "model.json").read_text(encoding="utf-8"))
    card = (BUNDLED / "MODEL_CARD.md").read_text(encoding="utf-8")

    assert facts["data_version"] in card
    assert "sealed test" in card
