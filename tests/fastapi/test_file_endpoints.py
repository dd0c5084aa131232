"""Files: answered at once, or handed in as a job that outlives the service."""

from __future__ import annotations

import csv
import gzip
import io
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from api_server import Api, wait_for
from small_disk import filled, small_disk

ROWS = "번호,리뷰\n1,정말 재미있고 감동적이다\n2,=cmd|' /C calc'!A0\n3,\n4,최악 돈이 아깝다\n"


def send(api: Api, name: str, data: bytes, path: str = "/v1/predict/file", **form: str) -> Any:
    return api.post(path, files={"file": (name, data)}, data=form)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
def test_a_row_comes_out_for_each_row_that_went_in(api: Api, encoding: str) -> None:
    answer = send(api, "리뷰.csv", ROWS.encode(encoding))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    rows = rows_of(answer.content.decode("utf-8"))
    assert [row["번호"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["label_ko"] for row in rows][::3] == ["긍정", "부정"]
    assert rows[1]["리뷰"].startswith("'=cmd")  # a spreadsheet must not run it
    assert rows[2]["label"] == ""
    assert rows[2]["problem"] == "line 4: blank text"
    assert answer.headers["x-model-version"] == rows[0]["model_version"]


def test_the_column_and_the_format_can_be_chosen(api: Api) -> None:
    data = "\n".join(json.dumps({"a": "최고의 영화", "b": "지루하고 별로"}, ensure_ascii=False) for _ in range(3))
    answer = send(api, "in.jsonl", data.encode(), column="b", format="tsv")
    assert answer.text.splitlines()[0].split("\t")[:3] == ["a", "b", "label"]
    assert "부정" in answer.text
    assert "긍정" not in answer.text
    assert "has no column 'c'" in api.problem(send(api, "in.jsonl", data.encode(), column="c"), 422)["detail"]


def test_parquet_is_answered_as_json_lines(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"review": ["최고의 영화", "지루하다", None], "n": [1, 2, 3]}), path)
    lines = [json.loads(line) for line in send(api, "in.parquet", path.read_bytes()).text.splitlines()]
    assert [line.get("label") for line in lines] == ["positive", "negative", None]
    assert lines[2]["problem"] == "line 3: blank text"


def test_ten_thousand_rows_come_back_in_order(api: Api) -> None:
    text = "review\n" + "\n".join(f"영화 {number}번 재미있다" for number in range(10_000))
    rows = rows_of(send(api, "many.csv", text.encode()).content.decode())
    assert [row["review"] for row in rows[::999]] == [f"영화 {number}번 재미있다" for number in range(0, 10_000, 999)]
    assert all(row["label"] for row in rows)


@pytest.mark.parametrize(
    ("name", "data", "status", "said"),
    [
        ("in.xls", b"whatever", 422, "ending"),
        ("../../etc/passwd", b"root", 422, "ending"),
        ("in.parquet", b"PAR1 is not enough", 422, "Parquet"),
        ("in.csv.gz", b"not gzip", 422, "gzip"),
        ("in.csv.gz", gzip.compress(b"review\n" + b"x" * 100_000, mtime=0)[:-20], 422, "gzip"),
        ("in.csv", b"", 422, "in.csv"),
        ("in.csv", b"\x00\x01\x02\xff" * 100, 422, "in.csv"),
        ("in.csv", b"x" * 3_500_000, 413, "3 MB"),
    ],
)
def test_what_is_no_table_is_a_problem(api: Api, name: str, data: bytes, status: int, said: str) -> None:
    assert said in api.problem(send(api, name, data), status)["detail"]


def test_a_bomb_is_not_unpacked(api: Api, tmp_path: Path) -> None:
    bomb = gzip.compress(b"review\n" + b"0" * 200_000_000, 9)
    assert len(bomb) < 300_000
    begin = time.monotonic()
    assert "20 MB" in api.problem(send(api, "bomb.csv.gz", bomb), 413)["detail"]
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"review": pa.array(["좋다"]).dictionary_encode().take(pa.array([0] * 30_000_000))}), path)
    api.problem(send(api, "bomb.parquet", path.read_bytes()), 413)
    assert time.monotonic() - begin < 20


def test_who_goes_away_while_a_file_is_answered_leaves_the_place_to_others(api: Api) -> None:
    text = "review\n" + "\n".join(f"영화 {number}번 재미있다" for number in range(60_000))
    for _ in range(6):  # twice as many as are read at once, and once more each
        files = {"file": ("a.csv", text.encode())}
        answer = api.session.post(f"{api.url}/v1/predict/file", files=files, stream=True, timeout=30)
        assert answer.status_code == 200
        next(answer.iter_content(100))
        answer.close()
    assert wait_for(lambda: send(api, "in.csv", ROWS.encode()).status_code == 200, 60)


def test_without_a_file_it_says_so(api: Api) -> None:
    assert "file" in api.problem(api.post("/v1/predict/file", data={"column": "x"}), 422)["detail"]


def finished(api: Api, number: str) -> dict[str, Any]:
    def ended() -> Any:
        job = api.get(f"/v1/jobs/{number}").json()
        return job if job["state"] not in ("queued", "running") else None

    found: dict[str, Any] = wait_for(ended)
    return found


def test_a_job_is_done_and_its_parts_are_there(api: Api) -> None:
    answer = send(api, "리뷰.csv", ROWS.encode("cp949"), "/v1/jobs", format="jsonl")
    assert answer.status_code == 202
    number = answer.json()["id"]
    job = finished(api, number)
    assert (job["state"], job["rows"], job["scored"], job["set_aside"]) == ("succeeded", 4, 3, 1)
    lines = [json.loads(line) for line in api.get(f"/v1/jobs/{number}/result").text.splitlines()]
    assert [line["label_ko"] for line in lines][::2] == ["긍정", "부정"]
    assert job["model_version"] == lines[0]["model_version"]
    aside = api.get(f"/v1/jobs/{number}/result?part=set-aside").json()
    assert (aside["line"], aside["reason"]) == (4, "blank text")
    assert number in [one["id"] for one in api.get("/v1/jobs").json()["jobs"]]
    assert api.session.delete(f"{api.url}/v1/jobs/{number}").status_code == 204
    api.problem(api.get(f"/v1/jobs/{number}"), 404)


def test_a_job_that_can_not_be_done_says_why(api: Api) -> None:
    number = send(api, "in.csv", b"a,b\n1,2\n", "/v1/jobs").json()["id"]
    job = finished(api, number)
    assert job["state"] == "failed"
    assert "no column looks like Korean text" in job["problem"]
    api.problem(api.get(f"/v1/jobs/{number}/result"), 409)
    for wrong in ("nothing", "..", "%2e%2e", "../../etc"):
        assert api.get(f"/v1/jobs/{wrong}").status_code == 404


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Api]:
    home = tmp_path / "home"
    home.mkdir()
    running = Api(home, SERVING__MOST_JOBS=2)
    yield running
    running.stop()


@pytest.mark.slow
def test_a_job_survives_the_service_and_can_be_cancelled(own: Api) -> None:
    big = "review\n" + "\n".join(f"영화 {number}번 정말 재미있다" for number in range(80_000))
    number = send(own, "big.csv", big.encode(), "/v1/jobs").json()["id"]
    wait_for(lambda: own.get(f"/v1/jobs/{number}").json()["rows"] > 0)
    own.problem(own.session.delete(f"{own.url}/v1/jobs/{number}"), 409)
    own.stop(signal.SIGKILL)
    own.start()
    job = finished(own, number)
    assert (job["state"], job["scored"]) == ("succeeded", 80_000)
    assert len(own.get(f"/v1/jobs/{number}/result").content.splitlines()) == 80_001
    other = send(own, "big.csv", big.encode(), "/v1/jobs").json()["id"]
    queued = send(own, "big.csv", big.encode(), "/v1/jobs").json()["id"]
    own.problem(send(own, "big.csv", b"review", "/v1/jobs"), 429)
    assert own.post(f"/v1/jobs/{queued}/cancel").json()["state"] == "cancelled"
    wait_for(lambda: own.get(f"/v1/jobs/{other}").json()["rows"] > 0)
    own.post(f"/v1/jobs/{other}/cancel")
    assert finished(own, other)["state"] == "cancelled"
    assert own.get("/v1/jobs").json()["jobs"][0]["id"] == queued


def test_a_file_for_which_the_disk_has_no_room_is_told_so_and_the_next_is_taken(tmp_path: Path) -> None:
    with small_disk(tmp_path / "home") as home:
        running = Api(home)
        try:
            with filled(home):
                refused = running.problem(send(running, "in.csv", ROWS.encode(), "/v1/jobs"), 507)
                assert refused["type"] == "urn:reelsense:problem:storage-full"
                assert running.post("/v1/predict", {"text": "재미있다"}).status_code == 200
            number = send(running, "in.csv", ROWS.encode(), "/v1/jobs").json()["id"]
            assert finished(running, number)["state"] == "succeeded"
        finally:
            running.stop()
