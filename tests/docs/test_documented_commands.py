"""What the documentation tells people to type exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from documented import PAGES, ROOT, RUN, asked_paths, blocks, commands, objection, typed
from generate.endpoints import application
from generate.fences import SHELLS
from generate.links import links

# Why a test can't do what a page says; a reader sees it above the block.
REASONS = re.compile(
    r"needs (Docker|Kubernetes|AWS|GPUs|a cluster|Slack|a key of a model provider|an OIDC provider)"
    r"|needs a service in the network"
    r"|asks live sites|downloads|runs for hours|waits for the next day|asks questions|clones"
)
LANGUAGES = {*SHELLS, "python", "text", "json", "yaml", "html", "mermaid"}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_every_command_is_known_with_its_options(page: Path) -> None:
    found = [(str(command), said) for command in commands(page) if (said := objection(command))]
    assert not found


def test_a_command_that_is_not_there_is_found_wherever_it_stands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```bash\nREELSENSE_LANGUAGE=en reelsense score --txt x | cat\nif reelsense check; then reelsense crowl a; fi\n"
        "docker compose run --rm backup restor\n```\n```console\n$ reelsense models promote \\\n  x\nreelsense shown\n"
        "```\nIn the text `reelsense data describ x` and `reelsense label`.\n"
    )
    objected = {" ".join(command.words): bool(objection(command)) for command in commands(page)}
    assert objected == {
        "score --txt x": True,
        "check": False,
        "crowl a": True,
        "restor": True,
        "models promote x": True,
        "data describ x": True,
        "label": False,
    }


def test_the_documentation_is_full_of_commands() -> None:
    assert sum(1 for page in PAGES for _ in commands(page)) > 150


@pytest.fixture(scope="module")
def known_paths() -> list[str]:
    return [re.sub(r"\{\w+\}", "[^/]+", path) for path in application().openapi()["paths"]]


@each_page
def test_every_path_of_the_api_that_is_asked_exists(page: Path, known_paths: list[str]) -> None:
    assert not [path for path in asked_paths(page) if not any(re.fullmatch(one, path) for one in known_paths)]


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_not_run_says_why_and_is_a_script_all_the_same(page: Path) -> None:
    for fence in blocks(page):
        where = f"{page.name}, line {fence.line}"
        if page.name != "README.md":
            assert fence.language in LANGUAGES, f"{where}: a block names its language"
        if not fence.runs:
            assert REASONS.match(fence.options.get("reason", "")), f"{where}: why is it not run?"
        if fence.language in SHELLS:
            checked = subprocess.run(["bash", "-n"], input=typed(fence), text=True, capture_output=True, check=False)
            assert checked.returncode == 0, f"{where}: {checked.stderr}"
        if fence.language == "python":
            compile(fence.text, where, "exec")


def test_most_blocks_are_run() -> None:
    found = [fence for page in RUN for fence in blocks(page) if fence.language in (*SHELLS, "python")]
    assert len([fence for fence in found if fence.runs]) > 0.7 * len(found)


@each_page
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for _, target in links(page.read_text(encoding="utf-8")):
        file = target.partition("#")[0]
        generated = (page.parent / file).resolve().parent == ROOT / "docs" / "reference"
        if file and "://" not in file and not generated:
            assert (page.parent / file).exists(), f"{page.name}: {target}"
