"""What messages say: the numbers a person wants, the reason, the way there; in Korean and in English."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fuzzing.raw_server import head, raw_server
from structlog.testing import capture_logs

from reelsense.notify.notices import tell_anyhow, without_secrets
from reelsense.notify.wording import crawl_text, drift_text, failure_text, score_text, training_text, upkeep_text
from reelsense.pipelines.maintain import CHORES
from reelsense.settings import Settings, load_settings
from reelsense.store.changes import FilmChanges, MoodShift
from reelsense.store.database import open_database
from reelsense.store.runs import RunRow
from reelsense.types import DriftAlarm, DriftWeek

BEGUN = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def settings(language: str = "ko", **more: Any) -> Settings:
    return load_settings(overrides={"language": language, **more}, env_file=None)


def a_run(pipeline: str = "crawl", status: str = "succeeded", message: str = "", **more: Any) -> RunRow:
    told: dict[str, Any] = {"parameters": {}, "counts": {}, **more}
    return RunRow(
        1, pipeline, "key", status, 1, told["parameters"], told["counts"], message, BEGUN, BEGUN + timedelta(seconds=75)
    )


def test_a_crawl_tells_new_changed_repeated_and_rejected_reviews_by_film() -> None:
    films = [FilmChanges("1", "달빛 <기차> & 나", 1200, 3, 2), FilmChanges("2", "둘", 0, 1, 0)]
    said = crawl_text(settings(), "megabox", [a_run(counts={"duplicates": 7})], films, "http://logs")

    assert said.splitlines() == [
        "✅ *megabox 수집*  신규 1,200 · 변경 4 · 중복 7 · 보류 2  (75초)",
        "• 달빛 &lt;기차&gt; &amp; 나: 신규 1,200 · 변경 3 · 보류 2",
        "• 둘: 신규 0 · 변경 1",
        "<http://logs|로그>",
    ]


def test_a_crawl_that_failed_says_why_and_is_not_called_a_success() -> None:
    said = crawl_text(settings("en"), "cgv", [a_run(status="failed", message="503 <Service>")], [])

    assert said.splitlines() == [
        "⚠️ *cgv crawl*  new 0 · changed 0 · duplicate 0 · rejected 0  (75 s)",
        "> 503 &lt;Service&gt;",
    ]


def test_a_long_list_of_films_is_cut_and_says_so() -> None:
    films = [FilmChanges(str(n), f"film {n}", 1, 0, 0) for n in range(40)]
    said = crawl_text(settings("en"), "cgv", [a_run()], films)

    assert len(said.splitlines()) == 17
    assert said.splitlines()[-1] == "• … 25 more films"


def test_a_scoring_tells_how_the_mood_shifted() -> None:
    run = a_run("score", parameters={"model_version": "7"}, counts={"scored": 30})
    shifts = [MoodShift("하나", 20, 0.75, 80, 0.5), MoodShift("둘", 10, 0.3, 0, 0.0)]

    assert score_text(settings(), run, shifts).splitlines() == [
        "✅ *감성 분석*  모델 v7 · 30건  (75초)",
        "• 하나: 신규 20건 긍정 75.0% (이전 50.0%, +25.0%p)",
        "• 둘: 신규 10건 긍정 30.0%",
    ]
    in_english = score_text(settings("en"), run, shifts).splitlines()[1]
    assert in_english == "• 하나: new 20, positive 75.0% (before 50.0%, +25.0 points)"


@pytest.mark.parametrize("outcome", ["promoted", "candidate", "refused", "withdrawn"])
def test_a_training_tells_both_models_numbers_and_the_reason(outcome: str) -> None:
    metrics = {
        "test/accuracy": 0.91, "test/macro_f1": 0.909, "test/ece": 0.01, "test/n": 50000.0,
        "champion/test/accuracy": 0.9, "champion/test/macro_f1": 0.899, "champion/test/ece": 0.02,
        "training_seconds": 61.0,
    }  # fmt: skip
    counts = {
        "outcome": outcome, "version": 3, "train": 150_000, "stored_labels": 400,
        "metrics": metrics, "mlflow_run": "ab12",
    }  # fmt: skip
    run = a_run(
        "retrain", message="왜냐하면", parameters={"recipe": "baseline", "data": "d1", "drift": 0.31}, counts=counts
    )
    said = training_text(settings(**{"links.mlflow": "http://mlflow/"}), run).splitlines()

    assert "v3" in said[0]
    assert said[1:] == [
        "🌊 드리프트 경보: PSI 0.31",
        "• 봉인된 시험 50,000건: 정확도 0.9100 (챔피언 0.9000), "
        "macro-F1 0.9090 (챔피언 0.8990), ECE 0.0100 (챔피언 0.0200)",
        "• 저장된 라벨 400 · 학습 표본 150,000 · 학습 61초",
        "> 왜냐하면",
        "<http://mlflow/#/runs/ab12|MLflow>",
    ]


def test_a_training_names_the_measures_and_films_that_drifted() -> None:
    alarms = [
        {"key": "k", "measure": "score", "value": 0.312, "threshold": 0.2, "title": ""},
        {"key": "l", "measure": "length", "value": 0.4, "threshold": 0.15, "title": "달빛 <기차>"},
        *({"key": str(n), "measure": "rating", "value": 0.3, "threshold": 0.2, "title": f"영화 {n}"} for n in range(9)),
    ]
    run = a_run("retrain", parameters={"recipe": "baseline", "data": "d1", "drift": 0.312, "alarms": alarms})
    told = [line for line in training_text(settings(), run).splitlines() if line.startswith("🌊")]

    assert told[:2] == [
        "🌊 드리프트 경보: PSI 0.31 (점수, 기준 0.20)",
        "🌊 드리프트 경보: 달빛 &lt;기차&gt; · KS 0.40 (길이, 기준 0.15)",
    ]
    assert told[5:] == ["🌊 … 6건 더"]


def test_drift_tells_how_far_from_what_to_what_and_where_the_page_lies() -> None:
    week = DriftWeek(date(2026, 10, 19), date(2026, 10, 25), 1200, 4000, 0.312, 0.2, 6.12, 8.9)
    words = DriftWeek(date(2026, 10, 19), date(2026, 10, 25), 120, 400, 0.094, 0.02)
    alarms = [DriftAlarm("a", "rating", week), DriftAlarm("b", "vocabulary", words, "달 <빛>", ("쩔<붕>", "킹갓텀"))]

    assert drift_text(settings(), alarms, "s3://bucket/drift/2026-10-26.html").splitlines() == [
        "🌊 *드리프트*  2026-10-19 – 2026-10-25",
        "• PSI 0.31 (평점, 기준 0.20) · 평균 8.9 → 6.1 (1,200건)",
        "• 달 &lt;빛&gt; · JS 0.09 (어휘, 기준 0.02) · 늘어난 말: 쩔&lt;붕&gt;, 킹갓텀 (120건)",
        "> 페이지: s3://bucket/drift/2026-10-26.html",
    ]
    many = drift_text(settings("en"), alarms * 20, "page", "http://log").splitlines()
    assert many[-3:] == ["• … 25 more", "> page: page", "<http://log|logs>"]


def test_maintenance_tells_what_was_cleared_in_the_settings_language() -> None:
    def told(language: str) -> str:
        known = settings(language)
        return upkeep_text(known, {chore.name(known): number for number, chore in enumerate(CHORES.values())})

    assert told("ko").startswith("🧹 *정리*  보관한 모델 버전 1 · 오래된 실행 기록 2")
    assert told("en").startswith("🧹 *maintenance*  archived versions 1 · old runs and notices 2")


def test_a_failure_tells_the_first_line_of_the_error() -> None:
    said = failure_text(settings("en"), "model_retrain", "train", 3, "\nboom: <x>\nsecond line")

    assert said.splitlines() == ["❌ *model_retrain* failed: `train` (attempt 3)", "> boom: &lt;x&gt;"]


def test_no_secret_gets_into_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-value")
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", "postgresql://me:pass@host/db")
    known = settings(**{"slack.bot_token": "xoxb-1234567", "database_url": "postgresql://me:hunter2@db/x"})
    text = "xoxb-1234567 aws-secret-value postgresql://me:hunter2@db/x postgresql://me:pass@host/db ?token=abc123"
    shown = without_secrets(known, text)

    for secret in ("xoxb", "aws-secret", "hunter2", "pass@", "abc123"):
        assert secret not in shown


@pytest.mark.parametrize(
    "name",
    [
        *("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW_CONN_X", "SLACK_WEBHOOK_URL"),
        *("OPENAI_API_KEY", "SIGNING_PRIVATE_KEY", "HASH_SALT", "DB_PASSWORD", "GH_TOKEN", "AWS_ACCESS_KEY_ID"),
        *("client_secret", "my_fernet_key"),
    ],
)
def test_a_variable_whose_name_says_that_it_is_secret_is_told_to_nobody(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "a-hidden-value")
    assert without_secrets(settings(), "wrong: a-hidden-value!") == "wrong: ***!"


def test_what_the_store_can_not_keep_is_told_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reviews.db'}"
    with closing(open_database(url)) as db, db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE notices")  # it opens, and can't be written
    asked: list[str] = []

    def taken(path: str) -> bytes:
        asked.append(path)
        return head(200, 2) + b"ok"

    with raw_server() as slack, capture_logs() as told:
        slack.answer = taken
        known = settings(**{"database_url": url, "slack.webhook_url": f"{slack.url}/services/secret"})
        tell_anyhow(known, "key", "crawl", "수집이 멈췄습니다")
    assert asked == ["/services/secret"]
    assert [one["text"] for one in told if one["event"] == "notice"] == ["수집이 멈췄습니다"]
