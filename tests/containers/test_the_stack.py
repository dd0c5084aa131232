"""The whole platform through nginx alone, as people use it. The tests go on from each other, in this order."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, Response, expect
from stack import Stack

pytestmark = [pytest.mark.containers, pytest.mark.browser, pytest.mark.timeout(1200)]
PATIENCE_MS = 60_000


def is_broken(answer: Response) -> bool:
    """A file that is not there, or a fault; MLflow without users of its own has none to name."""
    return answer.status >= 500 or (answer.status == 404 and not answer.url.endswith("/users/current"))


@pytest.fixture
def page(chromium: Browser, stack: Stack) -> Iterator[Page]:
    """A fresh browser that knows the gate's password; what a page's policy or a missing file breaks fails the test."""
    user, password = stack.gate
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900},
        locale="ko-KR",
        http_credentials={"username": user, "password": password, "send": "always"},
    )
    shown = context.new_page()
    shown.set_default_timeout(PATIENCE_MS)
    broken: list[str] = []
    shown.on("pageerror", lambda error: broken.append(str(error)))
    shown.on(
        "console",
        lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None,
    )
    shown.on("response", lambda answer: broken.append(f"{answer.status} {answer.url}") if is_broken(answer) else None)
    yield shown
    context.close()
    assert not broken


def test_every_service_is_healthy(stack: Stack) -> None:
    listed = [json.loads(line) for line in stack.compose("ps", "-a", "--format", "json").splitlines()]
    states = {one["Service"]: one for one in listed}
    once = {"passwords", "store-init", "airflow-init"}
    for name, state in states.items():
        assert (state["State"], state["ExitCode"]) == (("exited", 0) if name in once else ("running", 0)), name
        assert state["Health"] in ("", "healthy", "starting" if name == "airflow-scheduler" else "healthy"), name
    assert {"nginx", "api", "ui", "mlflow", "postgres", "airflow-triggerer", *once} <= set(states)


def test_nothing_but_nginx_is_published_and_nginx_does_not_reach_the_database(stack: Stack) -> None:
    listed = [json.loads(line) for line in stack.compose("ps", "--format", "json").splitlines()]
    assert {one["Service"] for one in listed if any(port["PublishedPort"] for port in one["Publishers"])} == {"nginx"}
    asked = stack.compose("exec", "-T", "nginx", "sh", "-c", "getent hosts postgres || echo unknown")
    assert asked.strip() == "unknown"


def test_crawl_score_retrain_and_promote_by_airflow_then_the_api_serves_the_new_version(stack: Stack) -> None:
    for source in ("megabox", "cgv", "lotte"):
        assert stack.run_dag(f"review_crawl_{source}") == "success"
    assert stack.run_dag("review_predict") == "success"
    before = stack.api("/v1/models").json()
    assert stack.run_dag("model_retrain", seconds=600, force=True) == "success"
    after = stack.api("/v1/models").json()
    assert len(after["versions"]) > len(before["versions"])
    newest = max(version["version"] for version in after["versions"])
    if after["champion"]["version"] != newest:  # an even model is registered, and people decide
        assert stack.api(f"/v1/models/{newest}/promote", {}).ok
    until = time.monotonic() + 60
    while stack.api("/readyz").json()["version"] != str(newest):
        assert time.monotonic() < until
        time.sleep(1)
    answer = stack.api("/v1/predict", {"texts": ["정말 재미있어요", "돈이 아까운 최악의 영화"]}).json()
    assert [one["code"] for one in answer["results"]] == ["positive", "negative"]
    assert answer["model_version"] == str(newest)


def test_without_a_key_the_api_says_no(stack: Stack) -> None:
    answer = requests.post(f"{stack.address}/api/v1/predict", json={"texts": ["재미있다"]}, timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_the_page_shows_films_after_signing_in(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.address}/")
    page.get_by_label("이름 또는 별명").fill("지수")
    page.get_by_label("비밀번호", exact=True).fill(stack.told["REELSENSE_PAGE__ADMIN_PASSWORD"])
    page.locator(".st-key-session_enter button").click()
    expect(page.get_by_test_id("stSidebarNav")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("엄마의 레시피 & 나").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator('[data-testid="stVegaLiteChart"] svg.marks').first).to_be_visible(timeout=PATIENCE_MS)


def test_the_apis_documentation_knows_its_path(stack: Stack) -> None:
    described = requests.get(f"{stack.address}/api/openapi.json", timeout=30).json()
    assert described["servers"] == [{"url": "/api"}]
    assert "/api/openapi.json" in requests.get(f"{stack.address}/api/docs", timeout=30).text


def test_mlflow_under_its_path_shows_the_runs(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.address}/mlflow/")
    page.goto(f"{stack.address}/mlflow/#/models/reelsense")
    expect(page.get_by_text("champion").first).to_be_visible(timeout=PATIENCE_MS)


def test_airflow_under_its_path_is_signed_in_to_and_shows_the_dags(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.address}/airflow/")
    page.get_by_label("Username").fill("admin")
    page.locator('input[type="password"]').fill(stack.told["AIRFLOW_ADMIN_PASSWORD"])
    page.locator('button[type="submit"]').click()
    page.wait_for_url(lambda url: "/auth/" not in url)
    page.goto(f"{stack.address}/airflow/dags")
    expect(page.get_by_text("model_retrain").first).to_be_visible(timeout=PATIENCE_MS)


def test_the_landing_page_says_that_all_is_well(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.address}/platform/")
    expect(page.locator("output.well")).to_have_count(4, timeout=PATIENCE_MS)


def test_a_training_is_started_from_the_api_and_runs_in_airflow(stack: Stack) -> None:
    started = stack.api("/v1/trainings", {"recipe": "baseline", "force": True})
    assert started.ok, started.text
    until = time.monotonic() + 300
    while True:
        found = stack.api(f"/v1/trainings/{started.json()['id']}").json()
        if found["state"] not in ("queued", "running"):
            break
        assert time.monotonic() < until
        time.sleep(3)
    assert found["state"] in ("succeeded", "skipped"), found  # skipped: of the same data the same model would come


def test_no_log_holds_a_secret(stack: Stack) -> None:
    logs = stack.compose("logs", "--no-color")
    assert "crawl_finished" in logs
    secret = [value for name, value in stack.told.items() if name.endswith(("PASSWORD", "API_KEY"))]
    assert len(secret) == 8
    for value in secret:
        assert value not in logs
    assert "지수" not in logs


def test_a_replica_comes_and_goes_without_a_lost_request(stack: Stack) -> None:
    stack.compose("up", "-d", "--no-build", "--wait", "--scale", "api=2")
    stopped, seen = threading.Event(), list[int]()

    def ask() -> None:
        while not stopped.wait(0.15):  # below what one key may ask
            seen.append(stack.api("/v1/predict", {"texts": [f"재미있어요 {len(seen)}"]}).status_code)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    time.sleep(3)
    stack.compose("up", "-d", "--no-build", "--wait", "--scale", "api=1")
    time.sleep(3)
    stopped.set()
    for client in clients:
        client.join()
    assert len(seen) > 50
    assert set(seen) == {200}


def kept(stack: Stack) -> tuple[object, ...]:
    """What people would miss: reviews by film, the champion and all versions, how often the DAGs ran."""
    films = stack.api("/v1/movies?limit=500").json()["movies"]
    models = stack.api("/v1/models").json()
    runs = stack.airflow("dags/model_retrain/dagRuns")["total_entries"]
    return sorted(film["reviews"] for film in films), models["champion"]["version"], len(models["versions"]), runs


def test_down_and_up_loses_nothing(stack: Stack) -> None:
    before = kept(stack)
    stack.compose("down", "--timeout", "30")
    stack.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", "400")
    assert kept(stack) == before


def test_destroyed_and_restored_from_a_backup_it_is_as_before(stack: Stack) -> None:
    stack.compose("stop", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")  # nothing new meanwhile
    before = kept(stack)
    stack.compose("run", "--rm", "backup")
    stack.compose("down", "--timeout", "30")
    for name in ("postgres", "home", "airflow", "mlflow", "s3"):
        subprocess.run(["docker", "volume", "rm", f"{stack.project}_{name}"], check=True, capture_output=True)
    stack.compose("up", "-d", "--no-build", "--wait", "postgres", "s3")
    stack.compose("run", "--rm", "backup", "restore", "--force")
    stack.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", "400")
    after = kept(stack)
    assert after[:3] == before[:3]
    assert after[3] >= before[3]
    answer = stack.api("/v1/predict", {"texts": ["정말 재미있어요"]}).json()
    assert answer["model_version"] == str(before[1])
