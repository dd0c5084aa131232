"""Morphemes by Kiwi, and by Okt where there is Java."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from reelsense.errors import InputError
from reelsense.text.morphemes import morphemes


def test_kiwi_tells_nouns_and_stems() -> None:
    (found,) = morphemes(["배우들 연기가 좋았다"])
    assert {("배우", "NNG"), ("연기", "NNG"), ("좋", "VA")} <= set(found)


def test_each_text_gets_its_own_list_in_order() -> None:
    found = morphemes(["연기 최고", "", "스토리 별로 ㅋㅋ😀", "\u2800"])
    assert [any(tag.startswith("N") for _, tag in text) for text in found] == [True, False, True, False]
    assert found[2][0].form == "스토리"


def test_no_texts_give_no_lists() -> None:
    assert morphemes([]) == []


def test_odd_texts_stop_nothing() -> None:
    texts = ["\ud800", "가" * 20_000, "\x00", "👨‍👩‍👧", "ﷺ" * 50, "<b>&amp;</b>"]
    assert len(morphemes(texts)) == len(texts)


@pytest.mark.skipif(shutil.which("java") is None, reason="Okt needs Java")
def test_okt_speaks_the_same_tags() -> None:
    (found,) = morphemes(["배우들 연기가 좋았다"], "okt")
    assert {("배우", "NNG"), ("연기", "NNG"), ("좋", "VA")} <= set(found)


# Java is looked for once per process, so each lack is tried in a process of its own.
@pytest.mark.parametrize(
    ("lack", "cure"),
    [
        ("import sys; sys.modules['konlpy'] = None; sys.modules['konlpy.tag'] = None", ".[okt]"),
        ("import jpype; jpype.getDefaultJVMPath = lambda: (_ for _ in ()).throw(jpype.JVMNotFoundException())", "Java"),
    ],
)
def test_okt_says_what_it_lacks(lack: str, cure: str) -> None:
    code = f"""{lack}
from reelsense.errors import InputError
from reelsense.text.morphemes import morphemes
try:
    morphemes(["글"], "okt")
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert cure in done.stdout


def test_importing_starts_no_engine() -> None:
    code = (
        "import sys, reelsense.text.keywords; print([m for m in ('kiwipiepy', 'konlpy', 'jpype') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="kiwi or okt"):
        morphemes(["글"], "mecab")  # type: ignore[arg-type]
