"""The daily loop by a real scheduler: crawl, predict, retrain, tell; and what it does when things go wrong.

The tests share one Airflow and are in the order of a platform's life: each builds on what the ones before have stored.
"""

from __future__ import annotations

import io
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests
import sqlalchemy as sa
from airflow_stack import PASSWORD, S3_KEYS, wait_for
from planted_reviews import SLANG, SLANG_UNTIL, ordinary, upside_down_corpus
from slack_server import OWN_USER, TOKEN, WEBHOOK
from whole_platform import Platform

from reelsense.devsite.faults import Faults
from reelsense.errors import Conflict
from reelsense.registry.versions import ModelVersion, find_version, list_versions
from reelsense.sections import LinkSettings
from reelsense.serving.airflow_runs import AirflowRuns
from reelsense.serving.airflow_trainings import look, run_id
from reelsense.serving.trainings import Trainings
from reelsense.store.labels import add_labels
from reelsense.store.notices import latest_notices
from reelsense.store.reviews import count_reviews, iter_reviews
from reelsense.store.runs import latest_runs
from reelsense.store.schema import reviews, scores
from reelsense.store.scores import count_scores
from reelsense.types import KST, Label, Sentiment

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(900)]

CRAWL = "review_crawl_megabox"
REVIEW_CHANNEL = "C0REVIEWS"
ORDINARY = len(list(ordinary()))


def stored(platform: Platform) -> int:
    with platform.db.connect() as connection:
        return count_reviews(connection)


def scored(platform: Platform, version: str) -> int:
    with platform.db.connect() as connection:
        return count_scores(connection, version)


def message(platform: Platform, begin: str) -> str:
    """The newest message that begins so."""
    return wait_for(
        lambda: next((text for text in reversed(platform.slack.texts) if text.startswith(begin)), None),
        30,
        f"a message that begins with {begin}; there are: {platform.slack.texts}",
    )


def champion(platform: Platform) -> ModelVersion:
    found = find_version(platform.settings, "champion")
    assert found is not None
    return found


def predicted(platform: Platform, known: int) -> None:
    """Wait for the end of the scoring that was set off after `known` others."""
    assert platform.airflow.wait_for_next("review_predict", known) == "success"


def predictions(platform: Platform) -> int:
    return len(platform.airflow.runs("review_predict"))


def test_every_dag_file_can_be_read_and_nothing_is_paused(platform: Platform) -> None:
    assert platform.airflow.ask("GET", "importErrors")["import_errors"] == []
    assert not any(dag["is_paused"] for dag in platform.airflow.dags().values())


def test_nobody_gets_in_without_the_password(platform: Platform) -> None:
    url = platform.airflow.url
    for password in ("admin", "airflow", "", PASSWORD[:-1]):
        answer = requests.post(f"{url}/auth/token", json={"username": "admin", "password": password}, timeout=30)
        assert answer.status_code in (400, 401, 422), password
    assert requests.get(f"{url}/api/v2/dags", timeout=30).status_code == 401


def test_a_crawl_fills_the_store_writes_a_snapshot_sets_off_the_scoring_and_tells_what_came(platform: Platform) -> None:
    before = predictions(platform)
    run = platform.airflow.run(CRAWL)

    assert platform.airflow.tasks(CRAWL, run) == dict.fromkeys(
        ("list_films", "crawl_films[0]", "crawl_films[1]", "write_snapshot", "report_crawl"), "success"
    )
    assert stored(platform) == ORDINARY
    day = datetime.now(KST).date()
    rows = pq.read_table(io.BytesIO(platform.bucket.read(f"data/reviews/source=megabox/date={day}/reviews.parquet")))
    assert rows.num_rows == ORDINARY
    assert sorted(rows["source_id"].to_pylist()) == sorted(str(row["review_id"]) for row in ordinary())
    assert "author_hash" not in rows.column_names

    said = message(platform, "✅ *megabox")
    head, *films, last = said.splitlines()
    assert re.fullmatch(rf"✅ \*megabox 수집\*  신규 {ORDINARY} · 변경 0 · 중복 0 · 보류 0  \(\d+초\)", head)
    assert len(films) == 2
    assert sum(int(re.search(r"신규 (\d+)", film)[1]) for film in films) == ORDINARY  # type: ignore[index]
    assert last.startswith("<https://reelsense.example/|화면> · <https://mlflow.example|MLflow> · <http://127.0.0.1")

    predicted(platform, before)
    assert sum(scored(platform, version.model_version) for version in scorings(platform)) == ORDINARY
    assert message(platform, "✅ *감성 분석*").splitlines()[0].endswith("초)")
    summaries = json.loads(platform.bucket.read("data/summaries/films.json"))
    assert sum(film["scored"] for film in summaries["films"]) == ORDINARY


def scorings(platform: Platform) -> list[Any]:
    with platform.db.connect() as connection:
        return list(connection.execute(sa.select(scores.c.model_version).distinct()))


def test_each_message_is_one_post_of_a_text_to_the_webhook(platform: Platform) -> None:
    posts = platform.slack.requests
    assert posts
    assert {path for path, _ in posts} == {WEBHOOK}
    assert all(set(body) == {"text"} for _, body in posts)
    with platform.db.connect() as connection:
        kept = {notice.text: notice.state for notice in latest_notices(connection)}
    assert {body["text"] for _, body in posts} == set(kept)
    assert set(kept.values()) == {"sent"}


def test_the_files_of_the_earlier_systems_are_written_where_asked_for(platform: Platform) -> None:
    listed = platform.bucket.read("data/cinema/megabox/review/900_reviews.csv").decode("utf-8-sig").splitlines()
    assert listed[0] == "source_id,written_at,rating,text"
    answers = json.loads(platform.bucket.read("data/cinema/megabox/predict/900_sentiment.json"))
    assert len(answers) >= ORDINARY // 2
    assert set(answers[0]) == {"text", "sentiment", "confidence", "probabilities"}
    assert re.fullmatch(r"\d+\.\d\d%", answers[0]["confidence"])
    assert set(answers[0]["probabilities"]) == {"부정", "긍정"}


def test_a_crawl_that_is_repeated_or_cleared_changes_nothing_and_wakes_nobody(platform: Platform) -> None:
    before, told = predictions(platform), len(platform.slack.texts)
    again = platform.airflow.run(CRAWL)
    assert platform.airflow.tasks(CRAWL, again)["write_snapshot"] == "skipped"

    body = {"dry_run": False, "dag_run_id": again, "only_failed": False}
    platform.airflow.ask("POST", f"dags/{CRAWL}/clearTaskInstances", json=body)
    assert platform.airflow.wait(CRAWL, again) == "success"

    assert stored(platform) == ORDINARY
    assert predictions(platform) == before
    heads = [text.splitlines()[0] for text in platform.slack.texts[told:]]
    assert [head.startswith("✅ *megabox 수집*  신규 0 · 변경 0") for head in heads] == [True, True]


def links(platform: Platform) -> LinkSettings:
    """What the API is told of Airflow."""
    url = platform.airflow.url
    return LinkSettings.model_validate({"airflow": url, "airflow_api": url, "airflow_password": PASSWORD})


def test_a_retraining_asked_for_at_the_page_goes_through_all_its_steps_and_hands_on_ids_alone(
    platform: Platform,
) -> None:
    trainings = Trainings(platform.settings.model_copy(update={"links": links(platform)}))
    begun = trainings.start("bundled", force=True)  # not the configured recipe
    run = f"page__{begun.id}"
    assert trainings.find(platform.db, begun.id).state == "running"
    with pytest.raises(Conflict, match=run):
        trainings.start("baseline")
    assert platform.airflow.wait("model_retrain", run) == "success"

    ended = trainings.find(platform.db, begun.id)
    assert (ended.state, ended.version) == ("succeeded", 2), ended
    assert ended.outcome == ("candidate" if champion(platform).version == 1 else "promoted")
    assert ended.reason
    assert ended.run is not None
    assert (ended.run.parameters["recipe"], ended.run.counts["version"]) == ("bundled", 2)
    assert ended.link == f"{platform.airflow.url}/dags/model_retrain/runs/{run}"
    assert trainings.all(platform.db) == [ended]

    states = platform.airflow.tasks("model_retrain", run)
    steps = ("plan", "train", "evaluate", "gate", "register", "promote", "finish", "report_training")
    assert all(states[step] == "success" for step in steps), states
    assert [found.version for found in list_versions(platform.settings)] == [2, 1]
    handed = platform.airflow.ask("GET", f"dags/model_retrain/dagRuns/{run}/taskInstances/~/xcomEntries?limit=100")
    for entry in handed["xcom_entries"]:
        path = f"dags/model_retrain/dagRuns/{run}/taskInstances/{entry['task_id']}/xcomEntries/{entry['key']}"
        assert len(str(platform.airflow.ask("GET", path)["value"])) < 200

    said = message(platform, "🗂 *재학습" if champion(platform).version == 1 else "🚀 *재학습")
    assert "챔피언" in said
    assert "최신 보류 리뷰" in said
    assert "p=" in said
    assert "https://mlflow.example/#/runs/" in said


def test_a_day_without_news_trains_nothing_and_says_so(platform: Platform) -> None:
    run = platform.airflow.run("model_retrain")

    assert platform.airflow.tasks("model_retrain", run)["train"] == "skipped"
    assert "5,000" in message(platform, "💤 *재학습: 건너뜀*")


def test_an_unknown_recipe_ends_a_training_at_once_with_a_sentence(platform: Platform) -> None:
    begun, airflow = datetime.now(UTC), AirflowRuns(links(platform))
    airflow.begin("model_retrain", run_id("x"), {"recipe": "kobrt", "force": True})
    assert platform.airflow.wait("model_retrain", run_id("x")) == "failed"

    rows = platform.airflow.ask("GET", f"dags/model_retrain/dagRuns/{run_id('x')}/taskInstances")["task_instances"]
    assert max(row["try_number"] for row in rows) == 1
    why = "recipe 'kobrt' is not in "
    assert why in message(platform, "❌ *model_retrain* 실패: `plan`").splitlines()[1]
    told = look(platform.db, airflow, "retrain", "x", begun).told
    assert told is not None
    assert told["problem"].startswith(f"plan: {why}")
    assert "did you mean 'kobert'?" in told["problem"]


def test_a_bad_candidate_is_refused_by_the_gate_and_the_message_says_why(platform: Platform) -> None:
    corpus = platform.folder / "corpus"
    upside_down_corpus(corpus)
    versions = len(list_versions(platform.settings))
    try:
        run = platform.airflow.run("model_retrain", force=True)
    finally:
        for path in corpus.iterdir():
            path.unlink()

    assert platform.airflow.tasks("model_retrain", run)["register"] == "skipped"
    said = message(platform, "🛑 *재학습: 관문에서 거절*")
    assert re.search(r"macro-F1 0\.\d+이\(가\) 기준 0\.8000에 못 미쳐", said) or "유의하게 못한" in said
    assert "봉인된 시험" in said
    assert len(list_versions(platform.settings)) == versions


def test_a_site_that_says_no_is_not_asked_again_and_people_are_told_at_once(platform: Platform) -> None:
    platform.site.set_faults(Faults(forbidden_after=1))
    try:
        run = platform.airflow.trigger(CRAWL)
        assert platform.airflow.wait(CRAWL, run) == "failed"
    finally:
        platform.site.set_faults(Faults())

    rows = platform.airflow.ask("GET", f"dags/{CRAWL}/dagRuns/{run}/taskInstances")["task_instances"]
    assert max(row["try_number"] for row in rows) == 1
    said = message(platform, f"❌ *{CRAWL}* 실패")
    assert said.splitlines()[0] == f"❌ *{CRAWL}* 실패: `list_films` (시도 1)"
    assert "403" in said.splitlines()[1]


def test_a_site_that_stumbles_is_asked_again_and_nothing_is_lost(platform: Platform) -> None:
    platform.site.set_until(SLANG_UNTIL)
    platform.site.set_faults(Faults(error_rate=0.25, shift_rate=0.2, seed=3))
    before = predictions(platform)
    try:
        run = platform.airflow.trigger(CRAWL)
        ended = platform.airflow.wait(CRAWL, run)
    finally:
        platform.site.set_faults(Faults())
    if ended == "failed":  # it may stumble more often than it is asked again; the next run brings the rest
        platform.airflow.run(CRAWL)
        platform.airflow.run("review_predict")

    predicted(platform, before)
    assert stored(platform) == ORDINARY + SLANG
    assert scored(platform, str(champion(platform).version)) == ORDINARY + SLANG


def test_a_burst_of_new_slang_promotes_a_better_model_once_though_a_worker_is_killed(platform: Platform) -> None:
    old, before = champion(platform).version, predictions(platform)
    versions = len(list_versions(platform.settings))
    run = platform.airflow.trigger("model_retrain")
    wait_for(lambda: platform.airflow.tasks("model_retrain", run).get("train") == "running", 120, "a running training")
    assert wait_for(platform.airflow.kill_tasks, 60, "a task's process")
    assert platform.airflow.wait("model_retrain", run, 600) == "success"

    rows = platform.airflow.ask("GET", f"dags/model_retrain/dagRuns/{run}/taskInstances")["task_instances"]
    tries = {row["task_id"]: (row["state"], row["try_number"]) for row in rows}
    assert tries["train"] == ("success", 2), tries
    assert len(list_versions(platform.settings)) == versions + 1
    said = message(platform, "🚀 *재학습: 승격")
    assert re.search(r"🌊 드리프트 경보: PSI \d+\.\d\d", said)
    assert champion(platform).version > old
    with platform.db.connect() as connection:
        assert str(latest_runs(connection, "retrain", 1)[0].parameters["cause"]).startswith("drift: PSI")
    predicted(platform, before)  # the new champion scores everything anew
    assert scored(platform, str(champion(platform).version)) == ORDINARY + SLANG


def test_a_promoted_model_that_fails_its_smoke_check_is_rolled_back(platform: Platform) -> None:
    """People say that all slang means the opposite: a better model of that follows, and is stored on a bad disk."""
    serving = champion(platform)
    with platform.db.begin() as connection:
        rows = [row for row in iter_reviews(connection) if int(row.source_id) >= 100_000]
        now = datetime.now(UTC)
        turned = {10.0: Sentiment.NEGATIVE, 1.0: Sentiment.POSITIVE}
        add_labels(connection, [Label(row.id, turned[row.rating or 0], "tester", now) for row in rows])
    platform.bucket.spoil = "weights.npz"
    try:
        platform.airflow.run("model_retrain", force=True)
    finally:
        platform.bucket.spoil = ""

    said = message(platform, "↩️ *재학습: 승격 후 되돌림")
    assert "배포 점검에 실패해 되돌렸습니다" in said
    assert "arrived damaged" in said
    assert champion(platform).version == serving.version
    withdrawn = list_versions(platform.settings)[0]
    assert withdrawn.archived
    assert withdrawn.aliases == ()


@pytest.mark.exhaustive
def test_a_fine_tuning_learns_from_people_and_starts_at_the_champion(platform: Platform) -> None:
    start = champion(platform)
    platform.airflow.run("model_finetune", force=True)

    said = message(platform, "🚀 *미세 조정: 승격")
    assert f"v{start.version + 2}" in said.splitlines()[0]
    with platform.db.connect() as connection:
        run = latest_runs(connection, "finetune", 1)[0]
    assert run.parameters["start"] == start.version
    assert champion(platform).key == run.key


@pytest.mark.exhaustive
def test_a_backfill_and_a_crawl_at_once_ask_the_site_one_after_the_other(platform: Platform) -> None:
    with platform.db.begin() as connection:
        connection.execute(sa.delete(reviews).where(reviews.c.written_on == SLANG_UNTIL))
        gone = ORDINARY + SLANG - count_reviews(connection)
    assert gone > 0
    asked = platform.airflow.trigger(
        "data_backfill", source="megabox", **{"from": SLANG_UNTIL.isoformat(), "to": SLANG_UNTIL.isoformat()}
    )
    other = platform.airflow.trigger(CRAWL)

    assert platform.airflow.wait("data_backfill", asked) == "success"
    assert platform.airflow.wait(CRAWL, other) == "success"
    assert stored(platform) == ORDINARY + SLANG


def test_a_backfill_of_earlier_days_brings_those_days_alone(platform: Platform) -> None:
    day = SLANG_UNTIL - timedelta(days=10)
    with platform.db.begin() as connection:
        connection.execute(sa.delete(reviews).where(reviews.c.written_on <= day))
        left = count_reviews(connection)
    platform.airflow.run("data_backfill", source="megabox", **{"from": day.isoformat(), "to": day.isoformat()})

    with platform.db.connect() as connection:
        back = connection.execute(sa.select(sa.func.count()).where(reviews.c.written_on == day)).scalar_one()
        assert back > 0
        assert count_reviews(connection) == left + back


def test_the_model_check_tells_each_step(platform: Platform) -> None:
    told = len(platform.slack.texts)
    platform.airflow.run("model_check")

    heads = sorted(text.split("*")[1] for text in platform.slack.texts[told:] if "모델 점검" in text)
    assert heads == ["모델 점검: 문장 하나", "모델 점검: 여러 문장", "모델 점검: 추론 서비스"]


@pytest.mark.exhaustive
def test_maintenance_clears_away_what_is_old_and_nothing_else(platform: Platform) -> None:
    old = "data/reviews/source=megabox/date=2020-01-01/reviews.parquet"
    platform.bucket.client.put_object(Bucket="reelsense", Key=old, Body=b"old")
    before = stored(platform)
    platform.airflow.run("maintenance")

    assert old not in platform.bucket.listed()
    assert platform.bucket.listed("data/reviews/")
    assert stored(platform) == before
    assert "오래된 스냅샷 1" in message(platform, "🧹")


def test_the_bot_answers_people_in_the_thread_once_and_never_itself(platform: Platform) -> None:
    now = time.time()
    platform.slack.channel += [
        {"ts": f"{now - 30:.6f}", "user": "U1", "text": "정말 최고의 영화 <@U9> 강추"},
        {"ts": f"{now - 20:.6f}", "user": OWN_USER, "text": "나는 로봇"},
        {"ts": f"{now - 10:.6f}", "user": "U2", "bot_id": "B7", "text": "나도 로봇"},
        {"ts": f"{now - 5:.6f}", "user": "U2", "subtype": "channel_join", "text": "들어왔습니다"},
    ]
    for _ in range(2):
        platform.airflow.run("slack_review_bot")

    answers = [body for name, body in platform.slack.requests if name == "chat.postMessage"]
    assert [(body["channel"], body["thread_ts"]) for body in answers] == [(REVIEW_CHANNEL, f"{now - 30:.6f}")]
    assert answers[0]["text"].startswith("*긍정*")
    assert "<@U9>" not in answers[0]["text"]


@pytest.mark.exhaustive
def test_while_slack_is_away_messages_wait_and_then_arrive_once(platform: Platform) -> None:
    platform.slack.away = True
    platform.airflow.run("model_check")  # its work is done, whoever can be told of it
    platform.slack.away = False
    told = len(platform.slack.texts)
    platform.airflow.run("maintenance")

    arrived = platform.slack.texts[told:]
    assert sum("모델 점검" in text for text in arrived) == 3
    assert len(set(arrived)) == len(arrived)


@pytest.mark.exhaustive
def test_a_run_that_takes_too_long_is_reported(platform: Platform) -> None:
    part = platform.airflow.parts["dag-processor"]
    part.stop()
    part.environment = {**part.environment, "REELSENSE_AUTOMATION__DEADLINE_MINUTES": "0.03"}
    begin = datetime.now(UTC).isoformat()
    part.start()
    wait_for(lambda: platform.airflow.dags()["maintenance"]["last_parsed_time"] > begin, 120, "the DAG read anew")
    platform.airflow.run("maintenance")

    assert "*maintenance* 0.03분 안에 끝나지 않음" in message(platform, "⏰")


def test_no_log_holds_a_secret(platform: Platform) -> None:
    secrets = {
        TOKEN, WEBHOOK.rpartition("/")[2], PASSWORD, S3_KEYS["AWS_SECRET_ACCESS_KEY"],
        (platform.folder / "airflow" / "jwt-secret").read_text(),
    }  # fmt: skip
    files = [path for path in platform.folder.rglob("*.log") if path.is_file()]
    assert len(files) > 50
    for path in files:
        text = path.read_text(errors="replace")
        found = [secret for secret in secrets if secret in text]
        assert not found, f"{path}: {len(found)}"
    told = "\n".join(platform.slack.texts)
    assert not any(secret in told for secret in secrets)
