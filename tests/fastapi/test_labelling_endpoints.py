"""Labelling over the API: the queue, judging under a name, taking back, agreement, export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from api_server import Api
from filled_store import fill

from reelsense.store.database import open_database
from reelsense.store.keys import create_key
from reelsense.store.labels import add_labels
from reelsense.store.schema import labels
from reelsense.store.scores import upsert_scores
from reelsense.types import Label, Score, Sentiment


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Api]:
    """A service whose labels are this test's alone."""
    home = tmp_path / "home"
    home.mkdir()
    fill(home)
    running = Api(home)
    yield running
    running.stop()


def said(api: Api) -> set[tuple[int, str, str]]:
    db = open_database(f"sqlite:///{api.home / 'reelsense.db'}")
    with db.connect() as connection:
        found = {(row.review_id, row.annotator, row.sentiment) for row in connection.execute(labels.select())}
    db.close()
    return found


def delete(api: Api, path: str, **options: object) -> int:
    return api.session.delete(api.url + path, timeout=60, **options).status_code  # type: ignore[arg-type]


def test_a_queue_shrinks_by_what_is_labelled_and_grows_by_what_is_taken_back(own: Api) -> None:
    before = own.get("/v1/labels/queue?limit=5&annotator=a1").json()
    assert (before["kind"], before["done"], before["more"]) == ("least_certain", 0, False)
    assert before["left"] == 32
    sure = [abs(one["positive"] - 0.5) for one in before["reviews"]]
    assert sure == sorted(sure)
    assert {"title", "movie_id", "text", "rating"} <= before["reviews"][0].keys()
    first = before["reviews"][0]["id"]
    body = {"review_id": first, "sentiment": "neutral", "annotator": "a1"}
    assert own.post("/v1/labels", body).json()["changed"] is True
    after = own.get("/v1/labels/queue?limit=4&annotator=a1").json()
    assert (after["left"], after["done"]) == (31, 1)
    assert [one["id"] for one in after["reviews"]] == [one["id"] for one in before["reviews"]][1:]
    # Another person still has it to judge.
    assert own.get("/v1/labels/queue?limit=1&annotator=b2").json()["reviews"][0]["id"] == first
    assert said(own) == {(first, "person:a1", "neutral")}
    assert delete(own, f"/v1/labels/{first}?annotator=b2") == 404
    assert delete(own, f"/v1/labels/{first}?annotator=a1") == 204
    assert delete(own, f"/v1/labels/{first}?annotator=a1") == 404
    assert own.get("/v1/labels/queue?limit=5&annotator=a1").json() == before
    assert said(own) == set()


def test_conflicts_are_clear_ratings_against_the_score_and_can_be_asked_of_one_film_or_site(own: Api) -> None:
    reviews = own.get("/v1/labels/queue?limit=200").json()
    assert own.get("/v1/labels/queue?kind=conflict").json()["left"] == 0
    db = open_database(f"sqlite:///{own.home / 'reelsense.db'}")
    with db.begin() as connection:  # as if the model had read every third one the wrong way round
        wrong = [
            Score(one["id"], reviews["model_version"], 1 - one["positive"])
            for one in reviews["reviews"][::3]
            if one["rating"] is not None
        ]
        upsert_scores(connection, wrong)
    db.close()
    found = own.get("/v1/labels/queue?kind=conflict&limit=200").json()
    assert found["left"] == len(found["reviews"]) > 0
    for one in found["reviews"]:
        assert one["rating"] <= 4 or one["rating"] >= 9
        assert (one["rating"] >= 9) != (one["positive"] >= 0.5)
    movie = found["reviews"][0]["movie_id"]
    assert own.get(f"/v1/labels/queue?kind=conflict&movie_id={movie}").json()["left"] == found["left"]
    by_site = [own.get(f"/v1/labels/queue?kind=conflict&source={name}").json()["left"] for name in ("cgv", "megabox")]
    assert sum(by_site) == found["left"]
    own.problem(own.get("/v1/labels/queue?movie_id=nothing"), 404)
    for wrong in ("kind=other", "limit=0", "limit=201", "offset=-1", "annotator=A", "annotator=" + "a" * 41):
        own.problem(own.get(f"/v1/labels/queue?{wrong}"), 422)


def test_only_an_admin_key_may_say_who_judged(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    fill(home)
    db = open_database(f"sqlite:///{home / 'reelsense.db'}")
    with db.begin() as connection:
        person, secret = create_key(connection, "person", ["label"])
        _, page = create_key(connection, "page", ["admin"])
    db.close()
    api = Api(home, SERVING__AUTH="always")
    try:
        own, server = ({"Authorization": f"Bearer {text}"} for text in (secret, page))
        body = {"source": "cgv", "source_id": "1", "sentiment": "negative"}
        number = api.post("/v1/labels", body, headers=own).json()["review_id"]
        api.problem(api.post("/v1/labels", {**body, "annotator": "a1"}, headers=own), 403)
        api.problem(api.get("/v1/labels/queue?annotator=a1", headers=own), 403)
        assert delete(api, f"/v1/labels/{number}?annotator=a1", headers=own) == 403
        assert api.post("/v1/labels", {**body, "annotator": "a1"}, headers=server).status_code == 200
        assert said(api) == {(number, f"key:{person.id}", "negative"), (number, "person:a1", "negative")}
        # Each takes back its own, and no other's.
        assert delete(api, f"/v1/labels/{number}", headers=server) == 404
        assert delete(api, f"/v1/labels/{number}", headers=own) == 204
        assert said(api) == {(number, "person:a1", "negative")}
        api.problem(api.post("/v1/labels", {**body, "annotator": "Kim Hana"}, headers=server), 422)
    finally:
        api.stop()


def test_agreement_counts_people_and_shows_where_they_differ(own: Api) -> None:
    assert own.get("/v1/labels/agreement").json()["alpha"] is None
    numbers = [one["id"] for one in own.get("/v1/labels/queue?limit=4").json()["reviews"]]
    told = {"a1": "++-+", "b2": "++--"}
    for who, row in told.items():
        for number, sign in zip(numbers, row, strict=True):
            sentiment = "positive" if sign == "+" else "negative"
            own.post("/v1/labels", {"review_id": number, "sentiment": sentiment, "annotator": who})
    found = own.get("/v1/labels/agreement").json()
    assert (found["reviews"], found["disputed"], found["pairs"], found["share"]) == (4, 1, 4, 0.75)
    # By hand: 5 positive and 3 negative of 8; observed 2, expected (64 - 25 - 9) / 7.
    assert found["alpha"] == pytest.approx(1 - 2 / (30 / 7))
    # 0.75 equal, 0.75 x 0.5 + 0.25 x 0.5 = 0.5 by chance.
    assert found["couples"] == [
        {"first": "person:a1", "second": "person:b2", "reviews": 4, "share": 0.75, "kappa": pytest.approx(0.5)}
    ]
    assert found["annotators"][0] == {
        **{"annotator": "person:a1", "labels": 4, "positive": 3, "neutral": 0, "negative": 1}
    }
    [one] = found["disagreements"]
    assert one["review_id"] == numbers[3]
    assert one["labels"] == [
        {"annotator": "person:a1", "sentiment": "positive"},
        {"annotator": "person:b2", "sentiment": "negative"},
    ]


def test_an_export_has_every_label_and_runs_in_no_spreadsheet(own: Api) -> None:
    assert own.get("/v1/labels/export?format=jsonl").text == ""
    texts = ['=HYPERLINK("http://evil.example")', "+1 좋다", "-최악", "@모두", "\t탭", '쉼표, "따옴표"\n줄']
    for text in texts:
        assert own.post("/v1/labels", {"text": text, "sentiment": "negative", "annotator": "a1"}).status_code == 200
    answer = own.get("/v1/labels/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "labels.csv" in answer.headers["content-disposition"]
    answer.encoding = "utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    columns = ["review_id", "source", "source_id", "text", "annotator", "sentiment", "labelled_at"]
    assert [list(row) for row in rows] == [columns] * len(texts)
    lines = [json.loads(line) for line in own.get("/v1/labels/export?format=jsonl").text.splitlines()]
    assert {line["text"].strip() for line in lines} == {text.strip() for text in texts}
    assert [row["text"].removeprefix("'") for row in rows] == [line["text"] for line in lines]
    assert not [row["text"] for row in rows if row["text"][0] in "=+-@\t"]
    assert sum(row["text"].startswith("'") for row in rows) >= 4
    assert {(row["annotator"], row["sentiment"], row["source"]) for row in rows} == {("person:a1", "negative", "typed")}
    assert [str(line["review_id"]) for line in lines] == [row["review_id"] for row in rows]
    own.problem(own.get("/v1/labels/export?format=xlsx"), 422)


def test_an_export_of_several_pages_is_whole(own: Api) -> None:
    numbers = [one["id"] for one in own.get("/v1/labels/queue?limit=200").json()["reviews"]]
    db = open_database(f"sqlite:///{own.home / 'reelsense.db'}")
    now = datetime.now(UTC)
    given = [Label(number, Sentiment.NEUTRAL, f"person:{who}", now) for number in numbers for who in range(100)]
    with db.begin() as connection:
        add_labels(connection, given)
    db.close()
    lines = [json.loads(line) for line in own.get("/v1/labels/export?format=jsonl").text.splitlines()]
    assert len(lines) == len(given) > 2000
    assert {(line["review_id"], line["annotator"]) for line in lines} == {
        (one.review_id, one.annotator) for one in given
    }
