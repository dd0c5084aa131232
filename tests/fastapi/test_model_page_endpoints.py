"""What the page of models asks: curves, comparison, drift, traffic, trainings. One real service, one real training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_server import Api, wait_for
from filled_store import TEXTS, fill
from small_models import LABELS, log_folder, small_baseline
from small_models import TEXTS as EVALUATED

from reelsense.models.loading import BUNDLED, load_bundled, load_folder
from reelsense.registry.versions import promote, register
from reelsense.settings import Settings
from reelsense.store.database import open_database
from reelsense.store.reviews import upsert_reviews
from reelsense.training.evaluate import evaluate
from reelsense.types import KST, Review


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_baseline(tmp_path_factory.mktemp("small") / "small", 3)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, with_registry: Callable[[Path], Path], small: Path) -> Iterator[Api]:
    """Version 1 is the bundled model and champion, 2 a tiny one; the store has labels to learn from."""
    home = with_registry(tmp_path_factory.mktemp("page") / "home")
    fill(home)
    settings = Settings(home=home)
    for folder, key in ((BUNDLED, "a"), (small, "b"), (small, "c")):
        register(settings, log_folder(settings, folder, key, "baseline"), key)
    promote(settings, 1)
    begin = datetime(2026, 8, 1, tzinfo=KST)
    rows = [
        Review(
            "megabox",
            f"t{number}",
            "9",
            f"{text} {number}",
            rating,
            None,
            begin + timedelta(days=number % 20),
            may_train=True,
        )
        for number in range(100)
        for text, rating in (TEXTS[number % 2],)
    ]
    db = open_database(settings.resolved_database_url)
    with db.begin() as connection:
        upsert_reviews(connection, rows)
    db.close()
    running = Api(home, TRAINING__EPOCHS=5, MODEL__REGISTER_THRESHOLD=0)
    yield running
    running.stop()


def test_the_curves_of_a_version_are_those_of_its_evaluation(page: Api, small: Path) -> None:
    told = page.get("/v1/models/2/curves").json()

    expected = evaluate(load_folder(small), EVALUATED, LABELS)
    assert (told["version"], [one["name"] for one in told["sets"]]) == (2, ["test", "newest"])
    found = told["sets"][0]
    assert found["confusion"] == [list(row) for row in expected.confusion]
    assert (found["n"], found["accuracy"]) == (6, pytest.approx(expected.accuracy))
    assert found["ece"] == pytest.approx(expected.ece)
    assert sum(one["n"] for one in found["calibration"]) == 6
    assert sum(one["n"] * one["positive"] for one in found["calibration"]) == pytest.approx(sum(LABELS))
    page.problem(page.get("/v1/models/99/curves"), 404)


def test_pictures_and_card_of_a_version(page: Api) -> None:
    for name in ("calibration", "confusion_matrix"):
        picture = page.get(f"/v1/models/1/plots/{name}?data=newest")
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")
    page.problem(page.get("/v1/models/1/plots/calibration?data=validation"), 404)
    page.problem(page.get("/v1/models/1/plots/model.json"), 422)
    page.problem(page.get("/v1/models/1/plots/calibration?data=../test"), 422)
    card = page.get("/v1/models/1/card").json()
    assert card["version"] == 1
    assert card["markdown"].startswith("# 모델 카드")


def test_two_versions_are_compared_on_the_same_newest_reviews(page: Api, small: Path) -> None:
    told = page.get("/v1/models/compare?a=champion&b=2&n=20").json()

    assert (told["a"], told["b"], told["n"]) == ("1", "2", 20)
    texts = {number: f"{TEXTS[number % 5][0]} {number}" for number in range(30)}
    newest = [texts[number] for number in range(29, 9, -1)]
    scores = [model.predict_proba(newest) for model in (load_bundled(), load_folder(small))]
    clear = [(at, TEXTS[(29 - at) % 5][1]) for at in range(20) if TEXTS[(29 - at) % 5][1] != 6.0]
    for side, values in zip("ab", scores, strict=True):
        right = sum((values[at] >= 0.5) == (rating > 5) for at, rating in clear)
        assert (told["judged"]["n"], told["judged"][f"right_{side}"]) == (16, right)
        assert told["judged"][f"accuracy_{side}"] == pytest.approx(right / 16)
        assert sum(told[f"counts_{side}"].values()) == 20
    assert told["agreed"] + told["differing"] == 20
    gaps = [abs(one["a"] - one["b"]) for one in told["differences"]]
    assert gaps == sorted(gaps, reverse=True)
    first = told["differences"][0]
    at = newest.index(first["text"])
    assert (first["a"], first["b"]) == (pytest.approx(float(scores[0][at])), pytest.approx(float(scores[1][at])))

    same = page.get("/v1/models/compare?a=2&b=2").json()
    assert (same["agreement"], same["differing"], same["judged"]["p_value"]) == (1.0, 0, 1.0)


def test_a_comparison_may_be_of_one_film_and_of_what_there_is_only(page: Api) -> None:
    films = {film["title"]: film for film in page.get("/v1/movies").json()["movies"]}
    number = films["달빛/기차"]["id"]
    assert page.get(f"/v1/models/compare?a=1&b=2&movie_id={number}").json()["n"] == 30
    page.problem(page.get("/v1/models/compare?a=1&b=2&movie_id=none"), 404)
    page.problem(page.get("/v1/models/compare?a=1&b=99"), 404)
    page.problem(page.get("/v1/models/compare?a=1&b=candidate"), 404)
    for wrong in ("a=0", "a=1;b=2", "b=bundled", "n=0", "n=2001"):
        page.problem(page.get(f"/v1/models/compare?{wrong}"), 422)


def test_a_version_is_set_aside_unless_it_is_the_champion(page: Api) -> None:
    told = page.problem(page.post("/v1/models/1/archive"), 409)
    assert "promote another" in told["detail"]
    page.problem(page.post("/v1/models/99/archive"), 404)
    answer = page.post("/v1/models/3/archive").json()
    assert (answer["version"], answer["archived"], answer["aliases"]) == (3, True, [])
    assert page.post("/v1/models/3/archive").status_code == 200


def test_without_a_previous_champion_there_is_nothing_to_roll_back_to(page: Api) -> None:
    assert "no previous champion" in page.problem(page.post("/v1/models/1/rollback"), 409)["detail"]


def test_traffic_counts_what_was_stored_today_and_drift_says_when_there_is_too_little(page: Api) -> None:
    days = page.get("/v1/traffic?days=3").json()["days"]
    assert len(days) == 3
    assert sum(day["stored"] for day in days) == 132
    assert sum(day["scored"] for day in days) >= 32
    assert days[-1]["day"] == datetime.now(KST).date().isoformat()
    drift = page.get("/v1/drift?weeks=4").json()
    assert [one["measure"] for one in drift["measures"]] == ["score", "rating", "length"]
    drift = page.get("/v1/drift?weeks=4&vocabulary=true").json()
    assert drift["least"] == 50
    measures = {one["measure"]: one for one in drift["measures"]}
    assert {name: one["statistic"] for name, one in measures.items()} == {
        "score": "PSI", "rating": "PSI", "length": "KS", "vocabulary": "JS",
    }  # fmt: skip
    assert all(len(one["weeks"]) == 4 for one in measures.values())
    assert all(week["value"] is None or week["threshold"] > 0 for one in measures.values() for week in one["weeks"])
    for wrong in ("/v1/traffic?days=0", "/v1/traffic?days=367", "/v1/drift?weeks=0", "/v1/drift?weeks=105"):
        page.problem(page.get(wrong), 422)


def test_recipes_are_listed_with_a_line_each(page: Api) -> None:
    found = {one["name"]: one for one in page.get("/v1/recipes").json()["recipes"]}
    assert found["kcbert"]["description"].startswith("KcBERT")
    assert found["baseline"]["model"] == "baseline"


@pytest.mark.slow
def test_a_training_is_started_watched_and_ends_as_a_version(page: Api) -> None:
    page.problem(page.post("/v1/trainings", {"recipe": "nothing"}), 422)
    page.problem(page.post("/v1/trainings", {"recipe": "baseline", "more": 1}), 422)
    page.problem(page.get("/v1/trainings/nothing"), 404)

    answer = page.post("/v1/trainings", {"recipe": "baseline", "force": True})
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert (begun["recipe"], begun["state"], begun["force"]) == ("baseline", "running", True)
    assert page.get("/v1/trainings").json()["running"] == begun["id"]
    page.problem(page.post("/v1/trainings", {"recipe": "baseline", "force": True}), 409)

    page.stop()  # a training goes on without the service
    page.start()

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = page.get(f"/v1/trainings/{begun['id']}").json()
        return found if found["state"] != "running" else None

    done = wait_for(over, 120)
    assert done["state"] == "succeeded", done
    assert done["outcome"] in ("promoted", "candidate")
    assert done["version"] == 4
    assert any("training_planned" in line for line in done["lines"])
    listed = page.get("/v1/trainings").json()
    assert listed["running"] is None
    assert [one["id"] for one in listed["trainings"]] == [begun["id"]]
    assert (listed["runs"][0]["id"], listed["runs"][0]["version"]) == (done["run_id"], 4)
    made = page.get("/v1/models").json()["versions"][0]
    assert (made["version"], made["recipe"]) == (4, "baseline")
    assert page.get("/v1/models/4/curves").json()["sets"][0]["calibration"]
