"""What the page of files asks for: a look into a file, a spreadsheet scored, what it came to, and stopping it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from api_server import Api, wait_for

PRAISE = "정말 재미있고 감동적인 최고의 영화"
BLAME = "최악 돈이 아깝다 지루하다"
ROWS = f"번호,리뷰\n1,{PRAISE}\n2,\n3,{BLAME}\n"


def spreadsheet(*rows: Sequence[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def send(api: Api, path: str, name: str, data: bytes, **form: str) -> Any:
    return api.post(path, files={"file": (name, data)}, data=form)


def ended(api: Api, number: str) -> dict[str, Any]:
    def look() -> Any:
        job = api.get(f"/v1/jobs/{number}").json()
        return job if job["state"] not in ("queued", "running") else None

    found: dict[str, Any] = wait_for(look)
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
def test_a_look_into_a_file_shows_its_rows_and_the_column_of_the_texts(api: Api, encoding: str) -> None:
    answer = send(api, "/v1/files/preview", "리뷰.csv", ROWS.encode(encoding))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "kind": "csv",
        "encoding": encoding,
        "sheet": None,
        "columns": ["번호", "리뷰"],
        "column": "리뷰",
        "rows": [{"번호": "1", "리뷰": PRAISE}, {"번호": "2", "리뷰": ""}, {"번호": "3", "리뷰": BLAME}],
        "bad": 0,
    }


def test_a_look_into_a_spreadsheet_names_its_sheet(api: Api) -> None:
    seen = send(api, "/v1/files/preview", "리뷰.xlsx", spreadsheet(["번호", "후기"], [1, PRAISE])).json()
    assert (seen["kind"], seen["sheet"], seen["column"]) == ("xlsx", "Sheet", "후기")
    assert seen["rows"] == [{"번호": "1", "후기": PRAISE}]


def test_the_beginning_of_a_file_is_enough_for_a_look(api: Api) -> None:
    data = ROWS.encode("cp949") * 1000
    seen = send(api, "/v1/files/preview", "a.csv", data[: len(ROWS.encode("cp949")) + 9]).json()
    assert (seen["encoding"], seen["column"], seen["rows"][0]["리뷰"]) == ("cp949", "리뷰", PRAISE)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.xls", b"whatever", "ending"),
        ("a.xlsx", b"PK\x03\x04 broken", "XLSX"),
        ("a.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "encrypted"),
        ("a.xlsx", spreadsheet(["리뷰"], [PRAISE])[:3000], "XLSX"),
        ("a.parquet", b"PAR1", "Parquet"),
        ("a.csv", b"", "empty"),
        ("a.csv.gz", b"not gzip", "gzip"),
    ],
)
def test_what_is_no_table_is_a_problem_for_a_look_and_for_a_score(api: Api, name: str, data: bytes, said: str) -> None:
    for path in ("/v1/files/preview", "/v1/predict/file"):
        problem = api.problem(send(api, path, name, data), 422)
        assert said in problem["detail"]
        assert str(api.home) not in problem["detail"]


def test_a_spreadsheet_that_unpacks_to_more_than_the_limit_is_refused(api: Api) -> None:
    source, bomb = spreadsheet(["리뷰"], [PRAISE]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            filling = b" " * 30_000_000 if name.endswith("sheet1.xml") else b""
            new.writestr(name, old.read(name) + filling)
    for path in ("/v1/files/preview", "/v1/predict/file"):
        assert "20 MB" in api.problem(send(api, path, "a.xlsx", bomb.getvalue()), 413)["detail"]
    job = ended(api, send(api, "/v1/jobs", "a.xlsx", bomb.getvalue()).json()["id"])
    assert (job["state"], "20 MB" in job["problem"]) == ("failed", True)


def test_a_spreadsheet_is_answered_at_once_as_csv(api: Api) -> None:
    answer = send(api, "/v1/predict/file", "a.xlsx", spreadsheet(["번호", "리뷰"], [1, PRAISE], [2, BLAME]))
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("번호,리뷰,label,label_ko")
    assert ["긍정" in lines[1], "부정" in lines[2]] == [True, True]


def test_a_spreadsheet_becomes_a_scored_spreadsheet_with_its_outcome(api: Api) -> None:
    rows = [["번호", "리뷰"], *([n, PRAISE if n % 3 else BLAME] for n in range(90)), [90, None], [91, "=1+1"]]
    number = send(api, "/v1/jobs", "한국 영화.xlsx", spreadsheet(*rows)).json()["id"]
    job = ended(api, number)
    assert (job["state"], job["rows"], job["scored"], job["set_aside"]) == ("succeeded", 92, 90, 2)
    answer = api.get(f"/v1/jobs/{number}/result")
    assert "spreadsheetml" in answer.headers["content-type"]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [row[3] for row in sheet.iter_rows(min_row=2, max_row=4, values_only=True)] == ["부정", "긍정", "긍정"]
    outcome = api.get(f"/v1/jobs/{number}/outcome").json()
    assert (outcome["rows"], outcome["scored"], outcome["column"]) == (92, 90, "리뷰")
    assert outcome["counts"] == {"positive": 60, "neutral": 0, "negative": 30}
    assert len(outcome["confidence"]) == 10
    assert sum(one["positive"] + one["neutral"] + one["negative"] for one in outcome["confidence"]) == 90
    assert outcome["problems"] == [{"reason": "blank text", "count": 2}]
    assert [len(outcome["examples"][name]) for name in ("positive", "neutral", "negative")] == [20, 0, 20]
    assert {one["text"] for one in outcome["examples"]["negative"]} == {BLAME}


def test_a_result_can_be_handed_in_again_under_its_name(api: Api) -> None:
    first = send(api, "/v1/jobs", "scored.csv", ROWS.encode()).json()["id"]
    assert ended(api, first)["state"] == "succeeded"
    result = api.get(f"/v1/jobs/{first}/result").content
    again = send(api, "/v1/jobs", "scored.csv", result).json()["id"]
    assert ended(api, again)["state"] == "succeeded"
    header = api.get(f"/v1/jobs/{again}/result").text.splitlines()[0]
    assert header.startswith("번호,리뷰,original_label,")


def test_without_a_result_there_is_no_outcome(api: Api) -> None:
    api.problem(api.get("/v1/jobs/0/outcome"), 404)
    number = send(api, "/v1/jobs", "a.csv", b"a,b\n1,2\n").json()["id"]
    assert ended(api, number)["state"] == "failed"
    api.problem(api.get(f"/v1/jobs/{number}/outcome"), 409)


def test_a_running_job_of_a_spreadsheet_stops_when_it_is_cancelled_and_leaves_nothing(api: Api) -> None:
    lines = "".join(json.dumps({"리뷰": f"{number} {PRAISE}"}, ensure_ascii=False) + "\n" for number in range(200_000))
    number = send(api, "/v1/jobs", "big.jsonl.gz", gzip.compress(lines.encode(), 1), format="xlsx").json()["id"]
    wait_for(lambda: api.get(f"/v1/jobs/{number}").json()["rows"] > 0)
    assert api.post(f"/v1/jobs/{number}/cancel").status_code == 200
    assert ended(api, number)["state"] == "cancelled"
    api.problem(api.get(f"/v1/jobs/{number}/result"), 409)
    api.problem(api.get(f"/v1/jobs/{number}/outcome"), 409)
    folder: Path = api.home / "jobs" / number
    assert [path.name for path in (folder / "sent").iterdir()] == ["big.jsonl.gz"]
    assert api.session.delete(f"{api.url}/v1/jobs/{number}").status_code == 204
    assert not folder.exists()
