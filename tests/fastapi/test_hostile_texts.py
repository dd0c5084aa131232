"""Films and reviews that a hostile site sent, as they leave the API: files that run nothing, headers that hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from api_server import Api

from reelsense.models.loading import load_bundled
from reelsense.pipelines.score import score_pending
from reelsense.store.database import open_database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.types import Film, Review

TITLE = '=HYPERLINK("http://evil.example")\r\nSet-Cookie: x=1'
TEXTS = [
    "=1+1 재미있다",
    "+cmd|calc 좋다",
    "-2+3 별로",
    "@SUM(1) 최고",
    "좋다\r=1+1",
    "좋다\n=1+1 \x1b[2J",
    "<script>alert(1)</script>",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("hostile") / "home"
    home.mkdir()
    db = open_database(f"sqlite:///{home / 'reelsense.db'}")
    with db.begin() as connection:
        upsert_films(connection, [Film("cgv", "1", TITLE, poster_url="javascript:alert(1)")])
        upsert_reviews(connection, [Review("cgv", f"={at}", "1", text, 9.0) for at, text in enumerate(TEXTS)])
    score_pending(db, load_bundled())
    db.close()
    api = Api(home, SERVING__ACCESS_LOG="true", LOG_FORMAT="console")
    yield api
    api.stop()


def _film(api: Api) -> str:
    return str(api.get("/v1/movies").json()["movies"][0]["id"])


def test_a_films_reviews_as_csv_and_excel_run_nothing(hostile: Api) -> None:
    path = f"/v1/movies/{_film(hostile)}/export"
    sent = hostile.get(path, params={"format": "csv"}).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(sent, newline="")))
    assert len(rows) == len(TEXTS) + 1
    assert "\r" not in sent
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    book = openpyxl.load_workbook(io.BytesIO(hostile.get(path, params={"format": "xlsx"}).content))
    assert not any(cell.data_type == "f" for row in book.active.iter_rows() for cell in row)
    lines = hostile.get(path, params={"format": "jsonl"}).text.splitlines()
    assert {json.loads(line)["text"] for line in lines} == set(TEXTS)


def test_labels_as_csv_run_nothing_and_as_json_lines_are_the_texts(hostile: Api) -> None:
    found = hostile.get(f"/v1/movies/{_film(hostile)}/reviews").json()["reviews"]
    for one in found:
        assert hostile.post("/v1/labels", {"review_id": one["id"], "sentiment": "positive"}).status_code == 200
    sent = hostile.get("/v1/labels/export").text
    rows = list(csv.reader(io.StringIO(sent, newline="")))
    assert len(rows) == len(TEXTS) + 1
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    lines = hostile.get("/v1/labels/export", params={"format": "jsonl"}).text.splitlines()
    assert {json.loads(line)["text"] for line in lines} == set(TEXTS)


@pytest.mark.parametrize("path", ["/v1/movies", "/v1/overview", "/v1/labels/queue", "/v1/sources"])
def test_no_answer_is_a_page_of_a_browser(hostile: Api, path: str) -> None:
    answer = hostile.get(path)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "id", ["..%2f..%2fetc%2fpasswd", "%00", "a%0d%0aSet-Cookie:%20x=1", "x" * 3000, "a%2fb", "좋다"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/movies/{}/export",
        "/v1/movies/{}/summary",
        "/v1/jobs/{}/result",
        "/v1/studio/images/{}",
        "/v1/trainings/{}",
        "/v1/models/{}/card",
        "/v1/models/1/plots/{}",
        "/v1/collections/{}",
    ],
)
def test_a_name_that_leads_elsewhere_leads_nowhere(hostile: Api, path: str, id: str) -> None:
    answer = hostile.get(path.format(id))
    assert 400 <= answer.status_code < 500, answer.text
    assert "set-cookie" not in answer.headers
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/v1/movies/{{}}/{part}?words=%00"
            for part in ("reviews", "trend", "analysis", "words", "aspects", "export")
        ),
        "/v1/movies/{}/reviews?source=%00",
        "/v1/movies?search=%00",
        "/v1/sources/cgv/films?search=%00",
        "/v1/watchlist?source=%00",
    ],
)
def test_a_nul_which_postgresql_takes_nowhere_is_refused(hostile: Api, path: str) -> None:
    hostile.problem(hostile.get(path.format(_film(hostile))), 422)


def test_a_nul_in_what_is_sent_is_refused(hostile: Api) -> None:
    for source, code in (("cgv", "1\0"), ("cgv\0", "1")):
        hostile.problem(hostile.post("/v1/collections", {"source": source, "code": code}), 422)
        body = {"source": source, "source_id": code, "sentiment": "positive"}
        hostile.problem(hostile.post("/v1/labels", body), 422)


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "..\\..\\evil.csv", "a\r\nX: y.csv", "\x00.csv", "." * 9]
)
def test_a_files_name_is_a_name(hostile: Api, name: str) -> None:
    before = set(hostile.home.parent.rglob("*evil*"))
    sent = {"file": (name, "review\n정말 재미있는 영화\n".encode())}
    answer = hostile.session.post(hostile.url + "/v1/predict/file", files=sent, timeout=60)
    assert answer.status_code in (200, 422), answer.text
    assert set(hostile.home.parent.rglob("*evil*")) == before
    assert not Path("/etc/evil.csv").exists()


def test_the_log_has_a_line_for_each_entry(hostile: Api) -> None:
    hostile.post("/v1/predict", {"text": "좋다\n2026-11-22 [info     ] forged \x1b[2J"})
    hostile.get("/v1/movies/x%0a2026-11-22%20[info%20%20%20%20%20]%20forged/summary")
    told = hostile.log.read_text("utf-8")
    assert not any(line.startswith("2026-11-22 [") for line in told.splitlines())
    assert "\x1b[2J" not in told
