"""Whoever follows a page of the documentation from its first line to its last gets there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from documented import ROOT, RUN, blocks, is_followed
from page_session import Session, not_said

_FOLDER = Path(os.environ.get("REELSENSE_DATASET__FOLDER", ROOT.parent / "shared" / "nsmc"))
CORPUS = _FOLDER if (_FOLDER / "ratings_test.txt").is_file() else None
# One page in every run; all of them take minutes.
QUICK = ROOT / "docs" / "how-to" / "collect-your-own-files.md"
LONG = [page for page in RUN if page != QUICK and any(is_followed(fence) for fence in blocks(page))]

pytestmark = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("bash", "curl", "make")),
    reason="bash, curl and make are needed to follow a page",
)


def follow(page: Path, folder: Path) -> None:
    """Do everything that a page says, in its order."""
    with Session(folder, page.read_text(encoding="utf-8")) as session:
        for fence in blocks(page):
            if is_followed(fence):
                if fence.options.get("needs") != "corpus":
                    session.follow(fence)
                elif CORPUS is not None:
                    session.follow(fence, {"REELSENSE_DATASET__FOLDER": str(CORPUS)})


def test_a_page_can_be_followed_to_its_end(tmp_path: Path) -> None:
    follow(QUICK, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", LONG, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_can_be_followed_to_its_end(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)


def test_a_page_that_promises_what_is_not_so_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one; echo two\none\nthree\n```\n")
    (tmp_path / "clone").mkdir()
    with pytest.raises(AssertionError, match="three"):
        follow(page, tmp_path / "clone")


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["one", "three"], ""),
        (["o…", "…", "th…ee"], ""),
        (["three", "one"], "one"),
        (["four"], "four"),
    ],
)
def test_lines_are_looked_for_in_their_order(shown: list[str], missing: str) -> None:
    assert not_said(shown, "one\n two \nthree\n") == missing
