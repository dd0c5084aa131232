"""Alerts and dashboards ask for what the API really tells, and Prometheus understands them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
PROMTOOL = "apt-get install --no-install-recommends prometheus"
# Made by Prometheus itself, with the labels that it adds.
OWN = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
ADDED = {"job", "instance"}


def alerts() -> list[dict[str, Any]]:
    """All alert rules."""
    return [rule for group in read("alerts.yml")["groups"] for rule in group["rules"]]


def read(name: str) -> Any:
    """A YAML file of the folder."""
    return yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))


def dashboard_queries(path: Path) -> Iterator[tuple[str, str]]:
    """Title and expression of every query of a dashboard, with Grafana's variables filled in."""
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")


def queries() -> list[tuple[str, str]]:
    """What every alert and panel asks."""
    asked = [(rule["alert"], rule["expr"]) for rule in alerts()]
    return asked + [query for path in DASHBOARDS for query in dashboard_queries(path)]


def selectors(expression: str) -> Iterator[tuple[str, list[str]]]:
    """Metrics that an expression names, with the labels it selects them by."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    for name, labels in re.findall(r"\b([a-zA-Z_]\w*)\s*\{([^}]*)\}", bare):
        yield name, re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels)
    for name in re.findall(r"\b([a-zA-Z_]\w*)\s*\[", bare):
        yield name, []
    for name in re.findall(r"\breelsense_\w+", bare):
        yield name, []


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every series' name of a running API, with the labels it was seen with; none were seen: an empty set."""
    sys.path.append(str(ROOT / "tests" / "fastapi"))
    from api_server import Api

    home = tmp_path_factory.mktemp("monitored") / "home"
    home.mkdir()
    running = Api(home)
    try:
        assert running.post("/v1/predict", {"texts": ["정말 좋은 영화", "별로였다"]}).status_code == 200
        assert running.get("/nothing-here").status_code == 404
        text = running.get("/metrics").text
    finally:
        running.stop()
    found: dict[str, set[str]] = {}
    endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
    for family in text_string_to_metric_families(text):
        for ending in endings.get(family.type, [""]):
            found[family.name + ending] = set()
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_that_is_asked_for_is_one_that_a_running_api_tells(told: dict[str, set[str]]) -> None:
    unknown = {
        (where, name)
        for where, expression in queries()
        for name, _ in selectors(expression)
        if name not in told and name not in OWN
    }

    assert not unknown


def test_metrics_are_selected_by_labels_they_have(told: dict[str, set[str]]) -> None:
    wrong = [
        (where, name, label)
        for where, expression in queries()
        for name, labels in selectors(expression)
        for label in labels
        # A counter that nothing has counted yet shows no labels.
        if (has := OWN.get(name) or told.get(name)) and label not in has | ADDED
    ]

    assert not wrong


def test_reasons_and_outcomes_in_alerts_are_words_the_service_says() -> None:
    from app.problems import _KINDS

    said = {kind[2] for kind in _KINDS}
    asked = {
        word
        for _, expression in queries()
        for value in re.findall(r'reason=~?"([^"]*)"', expression)
        for word in value.split("|")
    }

    assert asked
    assert asked <= said
    source = (ROOT / "src/reelsense/serving/metrics.py").read_text(encoding="utf-8")
    source += (ROOT / "src/reelsense/serving/following.py").read_text(encoding="utf-8")
    outcomes = {
        word
        for _, expression in queries()
        for value in re.findall(r'outcome=~?"([^"]*)"', expression)
        for word in value.split("|")
    }
    assert outcomes
    assert all(f'"{word}"' in source for word in outcomes)


def test_every_alert_says_in_korean_and_english_what_is_wrong_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule["alert"]
        for said in (rule["annotations"]["summary"], rule["annotations"]["description"]):
            korean, english = said.split(" / ")
            assert re.search("[가-힣]", korean), said
            assert re.search("[a-z]", english), said
            assert not re.search("[가-힣]", english), said


def test_every_alert_is_tested_to_ring() -> None:
    tests = [test for name in ("alerts_test.yml", "alerts_week_test.yml") for test in read(name)["tests"]]
    rung = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}

    assert rung == {rule["alert"] for rule in alerts()}


def test_dashboards_are_found_where_they_are_provisioned_and_ask_the_provisioned_source() -> None:
    source = read("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]
    provider = read("grafana/provisioning/dashboards/reelsense.yaml")["providers"][0]

    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert source["url"] == "http://prometheus:9090"
    assert DASHBOARDS
    for path in DASHBOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in board["panels"]:
            assert re.search(r"[가-힣].*\[.*[A-Za-z].*\]$", panel["title"]), panel["title"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}


def test_panels_of_a_dashboard_do_not_lie_on_each_other() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells


def test_prometheus_finds_every_replica_by_name_and_reads_these_rules() -> None:
    config = read("prometheus.yml")
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}

    assert jobs["api"]["dns_sd_configs"] == [{"names": ["api"], "type": "A", "port": 8000, "refresh_interval": "15s"}]
    assert all((MONITORING / name).is_file() for name in config["rule_files"])


def test_prometheus_accepts_its_configuration_and_the_rules(tool: Callable[[str, str], str]) -> None:
    done = run(tool("promtool", PROMTOOL), "check", "config", "prometheus.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_ring_when_they_should_and_only_then(tool: Callable[[str, str], str]) -> None:
    done = run(tool("promtool", PROMTOOL), "test", "rules", "alerts_test.yml", "alerts_week_test.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_can_parse_every_panel(tool: Callable[[str, str], str], tmp_path: Path) -> None:
    asked = [expression for path in DASHBOARDS for _, expression in dashboard_queries(path)]
    rules = [{"record": f"panel_{number}", "expr": expression} for number, expression in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    done = run(tool("promtool", PROMTOOL), "check", "rules", str(tmp_path / "panels.yml"))

    assert done.returncode == 0, done.stdout + done.stderr


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command in the folder, with what it said."""
    return subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, timeout=120, check=False)
