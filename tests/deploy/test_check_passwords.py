"""Nothing starts with passwords that are missing, from the example, short, shared or unusable."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "deploy" / "check_passwords.py"


@pytest.fixture
def made(tmp_path: Path) -> dict[str, str]:
    """The .env that `make env` writes."""
    (tmp_path / "deploy").mkdir()
    for name in (".env.example", "deploy/make-env.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["sh", "deploy/make-env.sh"], cwd=tmp_path, check=True, capture_output=True)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    return {name: value or "" for name, value in dotenv_values(tmp_path / ".env").items()}


def check(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, CHECK], env=path | environment, capture_output=True, text=True, check=False)


def test_what_make_env_writes_starts(made: dict[str, str]) -> None:
    done = check(made)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(set(made.values())) == len(made)


def test_an_env_that_is_there_is_left_as_it_is(made: dict[str, str], tmp_path: Path) -> None:
    before = (tmp_path / ".env").read_text()
    subprocess.run(["sh", "deploy/make-env.sh"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / ".env").read_text() == before


def test_an_env_of_an_older_release_gets_the_passwords_that_are_asked_for_since(
    made: dict[str, str], tmp_path: Path
) -> None:
    older = {name: value for name, value in made.items() if name not in ("REELSENSE_PAGE__SALT", "GATE_PASSWORD")}
    text = "\n".join(f"{name}={value}" for name, value in older.items())  # without a line's end, as editors leave it
    (tmp_path / ".env").write_text(text)
    done = subprocess.run(["sh", "deploy/make-env.sh"], cwd=tmp_path, check=True, capture_output=True, text=True)
    now = {name: value or "" for name, value in dotenv_values(tmp_path / ".env").items()}
    assert {name: now[name] for name in older} == older
    assert check(now).returncode == 0
    assert "REELSENSE_PAGE__SALT added" in done.stdout
    assert not any(value in done.stdout for value in now.values())


def test_the_example_itself_is_refused_by_the_name_of_each_password() -> None:
    example = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
    done = check(example)
    assert done.returncode == 2
    assert set(re.findall(r"\.env: (\w+) is still the example's", done.stderr)) == set(example)
    assert len(example) == 9


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GATE_PASSWORD", "", "is not set"),
        ("GATE_PASSWORD", "change-me-please", "is still the example's"),
        ("AIRFLOW_ADMIN_PASSWORD", "short-one", "has less than 12 characters"),
        ("MLFLOW_DB_PASSWORD", "with@sign/and:colon", "stands in an address"),
        ("REELSENSE_LINKS__API_KEY", "a-key-of-another-form", "is not of the form"),
    ],
)
def test_a_fault_is_named_and_no_password_shown(made: dict[str, str], name: str, value: str, said: str) -> None:
    done = check(made | {name: value})
    assert done.returncode == 2
    assert re.search(rf"{name} .*{said}", done.stderr)
    for password in [*made.values(), value]:
        assert not password or password not in done.stderr


def test_two_services_may_not_share_a_password(made: dict[str, str]) -> None:
    done = check(made | {"MLFLOW_DB_PASSWORD": made["AIRFLOW_DB_PASSWORD"]})
    assert "MLFLOW_DB_PASSWORD is the same as AIRFLOW_DB_PASSWORD" in done.stderr


def test_with_oidc_the_page_needs_no_password(made: dict[str, str]) -> None:
    without = {name: value for name, value in made.items() if name != "REELSENSE_PAGE__ADMIN_PASSWORD"}
    assert check(without).returncode == 2
    assert check(without | {"REELSENSE_PAGE__OIDC_CLIENT_ID": "reelsense"}).returncode == 0
