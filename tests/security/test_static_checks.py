"""What can be told without running anything: dangerous calls, licences, and secrets in the history."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from licences import ALLOWED, EXCEPTIONS
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "airflow", "fastapi", "mlflow", "streamlit", "deploy")
SECRETS = {
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "AWS secret": r"(?i)aws_secret_access_key\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}\b",
    "OpenAI key": r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}",
    "Slack token": r"\bxox[abprs]-[0-9]{8,}-[A-Za-z0-9-]{10,}",
    "Slack webhook": r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{34}\b",
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*\n?\+?[A-Za-z0-9+/=]{40,}",
    "key of the API": r"\brs_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\b",
    "filled .env": r"(?m)^\+(?:REELSENSE_\w*(?:PASSWORD|SECRET|TOKEN|API_KEY)|POSTGRES_PASSWORD|GATE_PASSWORD)="
    r"(?!\s|$|[\"']?(?:change|example|\$|<|\{))[^\s\"']{12,}",
}


def test_bandit_finds_nothing_that_is_not_explained() -> None:
    command = [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-f", "json", "-r", *FOLDERS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    assert not found["errors"]
    assert [f"{one['filename']}:{one['line_number']} {one['test_id']}" for one in found["results"]] == []
    assert found["metrics"]["_totals"]["loc"] > 10_000  # it looked


def test_bandit_sees_a_danger_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "danger.py").write_text("import yaml\nyaml.load(open('x'))\neval(input())\n")
    command = [sys.executable, "-m", "bandit", "-q", "-c", str(ROOT / "pyproject.toml"), "-f", "json", "-r", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert {one["test_id"] for one in json.loads(done.stdout)["results"]} >= {"B506", "B307"}


def _needed() -> set[str]:
    """What reelsense needs with all its extras, and what that needs, as far as it is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    waiting = [Requirement(line) for group in (project["dependencies"], *extras) for line in group]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            further = [Requirement(line) for line in requires(one.name) or ()]
        except PackageNotFoundError:
            continue
        wanted = ("", *one.extras)
        waiting += [f for f in further if not f.marker or any(f.marker.evaluate({"extra": name}) for name in wanted)]
    return {name for name, _ in seen}


def test_every_dependency_has_a_licence_that_is_allowed_or_explained() -> None:
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    licences = {canonicalize_name(one["Name"]): one["License"] for one in json.loads(done.stdout)}
    needed = _needed() & set(licences)
    assert len(needed) > 100
    odd = {name: licences[name] for name in sorted(needed) if not _allowed(licences[name])}
    assert {name: said for name, said in odd.items() if name not in EXCEPTIONS} == {}


def _allowed(licence: str) -> bool:
    """All of what is joined by AND, one of what is joined by OR or by a semicolon, which is how classifiers choose."""
    choices = re.split(r"\s+OR\s+|;\s*", licence)
    return any(all(part.strip() in ALLOWED for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


def test_the_exceptions_stand_in_the_document() -> None:
    said = (ROOT / "docs" / "security.md").read_text("utf-8")
    assert [name for name in EXCEPTIONS if f"`{name}`" not in said] == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_would_be_recognised(name: str) -> None:
    long = "AbCd0123456789EfGh" * 4
    made = {
        "AWS key": "AKIA" + "Q7" * 8,
        "AWS secret": "aws_secret_access_key = " + long[:40],
        "OpenAI key": "sk-" + "proj-" + long[:48],
        "Slack token": "xox" + "b-1234567890-" + long[:24],
        "Slack webhook": "hooks.slack.com/services/" + "T12345678/B12345678/" + long[:24],
        "GitHub token": "gh" + "p_" + long[:36],
        "Google key": "AI" + "za" + long[:35],
        "Hugging Face token": "hf" + "_" + long[:34],
        "private key": "-----BEGIN " + "PRIVATE KEY-----\n+" + long[:64],
        "key of the API": "rs_" + "0123456789ab_" + long[:43],
        "filled .env": "+REELSENSE_PAGE__ADMIN_PASSWORD=" + long[:20],
    }
    assert re.search(SECRETS[name], made[name])


def test_no_secret_was_ever_committed() -> None:
    git = ["git", "-C", str(ROOT)]
    if subprocess.run([*git, "rev-parse", "--git-dir"], capture_output=True).returncode:
        pytest.skip("not a git checkout")
    shown = subprocess.run(
        [*git, "log", "-p", "-U0", "--no-color"], capture_output=True, check=True, timeout=120
    ).stdout
    added = "\n".join(line for line in shown.decode(errors="replace").splitlines() if line.startswith("+"))
    if not added:
        pytest.skip("a checkout without history")
    found = {name: re.findall(pattern, added)[:3] for name, pattern in SECRETS.items() if re.search(pattern, added)}
    assert found == {}


def test_no_file_that_holds_secrets_is_tracked() -> None:
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    wrong = re.compile(r"(^|/)(\.env|page-secrets\.toml|id_(rsa|ed25519)|.*\.(pem|key|p12|pfx))$")
    assert [line for line in done.stdout.splitlines() if wrong.search(line)] == []
