"""The command line as people and scripts use it: the real console script, in a home of its own."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import ROOT, Shell

from reelsense.devsite.library import sample_library
from reelsense.devsite.server import serve
from reelsense.store.database import open_database
from reelsense.store.switches import switch
from reelsense.types import KST


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


@pytest.fixture
def online(tmp_path: Path) -> Iterator[Shell]:
    with serve(sample_library()) as site:
        addresses = {f"CRAWL__BASE_URLS__{name.upper()}": url for name, url in site.base_urls().items()}
        yield Shell(tmp_path / "home", {"CRAWL__MIN_DELAY_SECONDS": 0, **addresses})


def test_a_text_is_scored(shell: Shell) -> None:
    answer = shell.json("score", "--text", "배우들 연기가 훌륭하고 감동적이었다")
    assert (answer["label"], answer["label_ko"]) == ("positive", "긍정")
    assert answer["model_version"].startswith("bundled-")
    assert "긍정" in shell("score", "--text", "정말 재미있게 봤어요 강추합니다")


def test_a_file_is_scored_and_bad_rows_are_set_aside(shell: Shell, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("번호,감상평\n1,정말 최고예요\n2,\n3,돈이 아깝다\n4,칸이,많다\n".encode("cp949"))
    out = tmp_path / "out.jsonl"
    done = shell.json("score", "--file", str(source), "--out", str(out))
    assert (done["rows"], done["scored"], done["bad"], done["column"]) == (4, 2, 2, "감상평")
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["label_ko"] for row in rows] == ["긍정", "부정"]
    assert len(Path(done["bad_file"]).read_text(encoding="utf-8").splitlines()) == 2


def test_crawl_score_report_label_and_runs(online: Shell, tmp_path: Path) -> None:
    crawled = online.json("crawl", "megabox")
    assert (crawled["status"], crawled["counts"]["new"]) == ("succeeded", 200)
    scored = online.json("score")
    assert scored["scored"] == 200
    report = online.json_here("report")
    assert len(report["films"]) == 7
    page = tmp_path / "report.html"
    assert "달빛 세탁소" in online("report", "--html", str(page))
    html = page.read_text(encoding="utf-8")
    assert "심해의 노래 &#34;52&#34;" in html
    assert "plotly" in html
    number = sample_library().visible("megabox", "26090100")[0].id
    assert "부정" in online("label", "megabox", str(number), "부정")
    runs = online.json_here("runs")
    assert [run["pipeline"] for run in runs] == ["score", "crawl"]
    begun = datetime.fromisoformat(runs[0]["started_at"]).astimezone(KST)
    assert f"{begun:%Y-%m-%d %H:%M} KST" in online.here("runs")
    films = online.json_here("films", "megabox", "--search", "달빛")
    assert [film["title"] for film in films] == ["달빛 세탁소"]


def test_a_source_that_is_switched_off_is_not_asked_and_doctor_says_so(online: Shell) -> None:
    db = open_database(f"sqlite:///{online.home / 'reelsense.db'}")
    with db.begin() as connection:
        switch(connection, "megabox", False, datetime.now(UTC))
    db.close()
    for command in (("crawl", "megabox"), ("films", "megabox")):
        assert "megabox is switched off" in online.here(*command, code=2).replace("\n", " ")
    assert "megabox (switched off), cgv" in online.here("doctor", "--json")


def test_an_own_file_is_crawled_once(shell: Shell, tmp_path: Path) -> None:
    source = tmp_path / "mine.tsv"
    source.write_text("영화\t리뷰\t별점\n하나\t좋아요 정말\t5\n하나\t별로예요\t1\n", encoding="utf-8")
    first, second = shell.json_here("crawl", str(source)), shell.json_here("crawl", str(source))
    assert first["counts"] == {"new": 2, "changed": 0, "unchanged": 0}
    assert second["counts"] == {"new": 0, "changed": 0, "unchanged": 2}


def test_evaluate_reads_any_labelled_file(shell: Shell, tmp_path: Path) -> None:
    data = tmp_path / "labelled.csv"
    data.write_text("text,label\n정말 최고예요,긍정\n돈이 아깝다,부정\n글쎄요,모름\n", encoding="utf-8")
    found = shell.json_here("evaluate", "--model", "bundled", "--data", str(data))
    assert (found["n"], found["accuracy"], found["rows_left_out"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("crawl", "megabax"), "megabox"),
        (("crawl", "megabox"), "REELSENSE_CRAWL__ENABLED"),
        (("--set", "training.epoch=3", "settings"), "training.epochs"),
        (("train", "--recipe", "basline", "--out", "x"), "baseline"),
        (("score", "--file", "nowhere.csv", "--out", "out.csv"), "nowhere.csv"),
        (("score", "--file", "in.csv"), "--out"),
        (("score", "--file", "s3://b/in.parquet", "--out", "out"), "--engine ray"),
        (("score", "--text", "좋아요", "--workers", "2"), "--engine ray"),
        (("score", "--file", "nowhere.csv", "--out", "out", "--engine", "ray", "--model", "bundled"), "nowhere.csv"),
        (("train", "--recipe", "baseline", "--out", "x", "--processes", "2"), "one process"),
        (("evaluate", "--model", "no-such-model"), "no-such-model"),
        (("label", "megabox", "1", "great"), "긍정"),
    ],
)
def test_a_mistake_is_one_message_with_the_cure_and_exit_code_2(
    arguments: tuple[str, ...], said: str, shell: Shell
) -> None:
    assert said in shell.here(*arguments, code=2).replace("\n", "")


def test_settings_and_doctor_say_what_is_in_force_and_what_is_missing(shell: Shell) -> None:
    values = shell.json_here("--set", "neutral_below=0.8", "settings")
    assert values["neutral_below"] == 0.8
    checks = shell.json_here("doctor")
    states = {check["name"]: check["state"] for check in checks}
    assert (states["Python"], states["review store"], states["model"], states["MLflow"]) == ("ok", "ok", "ok", "ok")
    assert states["sources"] == "missing"
    assert all(check["cure"] for check in checks if check["state"] == "missing")


def test_doctor_shows_what_it_found_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "[" / "x]"  # signs of rich's markup, as in '.[train]'
    assert str(home) in Shell(home, columns=500).here("doctor")


def test_no_cure_is_cut_short_in_a_narrow_terminal(tmp_path: Path) -> None:
    told = Shell(tmp_path / "home", {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, columns=60).here("doctor", code=1)
    assert "…" not in told
    cures = [line.split("│")[-2].strip() for line in told.splitlines() if "│" in line]
    assert "REELSENSE_MLFLOW_TRACKING_URI" in "".join(cures)


def test_settings_are_shown_without_a_password(shell: Shell) -> None:
    told = Shell(shell.home, {"MLFLOW_TRACKING_URI": "postgresql://me:hunter2@db/mlflow"})
    for shown in (told.here("settings"), told.here("settings", "--json")):
        assert "postgresql://db/mlflow" in shown
        assert "hunter2" not in shown


def test_the_demo_touches_no_shared_store(shell: Shell, tmp_path: Path) -> None:
    shared = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shared.db'}",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    }
    for name, url in shared.items():
        assert "on this machine alone" in Shell(shell.home, {name: url}).here("demo", code=2).replace("\n", " ")
    assert not (tmp_path / "shared.db").exists()
    assert not shell.home.exists()


@pytest.mark.slow
def test_the_demo_runs_without_a_corpus_and_a_second_time_changes_nothing(shell: Shell) -> None:
    first = shell("--set", "dataset.folder=/nonexistent", "demo")
    assert all(f"{n}/6" in first for n in range(1, 7))
    assert "신규 200" in first
    assert (shell.home / "reports" / "report.html").is_file()
    versions = shell.json_here("models", "list")

    second = shell.here("--set", "dataset.folder=/nonexistent", "demo")

    assert "신규 0" in second
    assert "skipped" in second
    assert shell.json_here("models", "list") == versions
    assert {alias for version in versions for alias in version["aliases"]} >= {"champion"}
    exported = shell.home / "model_registry.json"
    shell.here("models", "export", "--out", str(exported))
    assert json.loads(exported.read_text(encoding="utf-8"))
    assert "1" in shell("models", typed="")


def test_the_command_line_starts_without_the_heavy_packages() -> None:
    heavy = ("torch", "transformers", "mlflow", "airflow", "fastapi", "streamlit", "kiwipiepy", "pyarrow", "plotly")
    code = f"import sys, reelsense.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_three_lines_of_the_example_work(shell: Shell) -> None:
    script = ROOT / "examples" / "inference.py"
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=shell.environment, cwd=shell.home.parent
    )
    assert done.returncode == 0, done.stderr
    assert "Prediction(label=<Sentiment.POSITIVE" in done.stdout


def test_keys_are_made_shown_once_listed_and_revoked(shell: Shell) -> None:
    made = shell.json_here("keys", "create", "ui", "--scope", "predict", "--scope", "read")
    assert made["key"].startswith(f"rs_{made['id']}_")
    listed = shell.here("keys", "list")
    assert made["id"] in listed
    assert made["key"].rpartition("_")[2] not in listed
    shell.here("keys", "revoke", made["id"])
    assert "no key" in shell.here("keys", "revoke", made["id"], code=2)
    assert "is no scope" in shell.here("keys", "create", "x", "--scope", "everything", code=2)


def test_films_are_watched_the_model_is_checked_and_the_house_is_kept(shell: Shell) -> None:
    assert "추가" in shell.here("watch", "add", "megabox", "26090100")
    assert "이미" in shell.here("watch", "add", "megabox", "26090100")
    assert shell.json_here("watch", "list") == [{"source": "megabox", "code": "26090100", "title": ""}]
    assert "no source 'netflix'" in shell.here("watch", "add", "netflix", "1", code=2)
    shell.here("watch", "remove", "megabox", "26090100")
    assert "not on the list" in shell.here("watch", "remove", "megabox", "26090100", code=2)

    checked = shell.json_here("check")
    assert [one["passed"] for one in checked] == [True, True, True]
    cleared = shell.json_here("maintain")
    assert set(cleared.values()) == {0}
    assert shell.json_here("notices") == []


def test_a_value_that_yaml_keeps_for_itself_can_be_set(shell: Shell) -> None:
    assert "automation.retrain = @daily" in shell.here("--set", "automation.retrain=@daily", "settings")


def test_a_file_s_columns_and_scale_can_be_told(shell: Shell, tmp_path: Path) -> None:
    source = tmp_path / "film.csv"
    source.write_text(
        "a,b,c\n아무 말이나 길게 쓴 칸이 있다,재밌다,4\n다른 아무 말이나 쓴 칸,별로다,2\n", encoding="utf-8"
    )
    shell.here("crawl", str(source), "--column", "text=b", "--column", "rating=c", "--best-rating", "10")
    with sqlite3.connect(shell.home / "reelsense.db") as db:
        assert db.execute("SELECT text, rating FROM reviews ORDER BY text").fetchall() == [("별로다", 2), ("재밌다", 4)]
    assert "FIELD=COLUMN" in shell.here("crawl", str(source), "--column", "b", code=2)
    assert "are for files" in shell.here("crawl", "megabox", "--best-rating", "5", code=2)
