"""The page of `data describe`: escaped, in two languages, plain about what it did not look at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reelsense.reporting.data_page import write_data_page
from reelsense.training.class_tokens import ClassTokens
from reelsense.training.describe import DataDescription, DataRow, describe
from reelsense.types import Sentiment

CLOUD = 'src="data:image/png;base64,'
ATTACK = "<script>alert('리뷰')</script> 최고의 영화"


def described() -> DataDescription:
    good = [DataRow(f"{ATTACK}  {n}", Sentiment.POSITIVE, 10.0) for n in range(30)]
    bad = [DataRow("돈이 아깝다 최악", Sentiment.NEGATIVE, 1.0) for _ in range(30)]
    return describe("<b>자료</b>", lambda: [*good, *bad], ("kiwi",), sample=10)


def page(found: DataDescription, folder: Path, language: str) -> str:
    return write_data_page(found, folder / "data.html", language).read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_shows_all_parts_and_runs_nothing_that_was_written(tmp_path: Path) -> None:
    html = page(described(), tmp_path, "ko")
    assert "<script>alert" not in html
    assert "<b>자료</b>" not in html
    assert html.count("Plotly.newPlot(") >= 5
    for title in ("클래스 균형", "길이", "중복", "정제가 바꾼 것", "클래스를 가르는 n-그램", "단어: kiwi"):
        assert f"<h2>{title}</h2>" in html
    assert "최대 10개 텍스트만" in html


@pytest.mark.slow
def test_it_speaks_english_too(tmp_path: Path) -> None:
    html = page(described(), tmp_path, "en")
    assert '<html lang="en">' in html
    assert "a random sample of up to 10 texts" in html
    assert "긍정" not in html


@pytest.mark.slow
def test_word_clouds_are_in_it_or_it_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wordcloud")
    found = described()
    assert page(found, tmp_path, "ko").count(CLOUD) == 2
    monkeypatch.setitem(sys.modules, "wordcloud", None)
    html = page(found, tmp_path, "ko")
    assert CLOUD not in html
    assert ".[ui]" in html


def test_one_class_and_a_missing_tokenizer_are_said(tmp_path: Path) -> None:
    found = describe("one", lambda: [DataRow("그저 그래요")], ())
    missing = ClassTokens("okt", 0, 0, 0, {}, {}, {}, "The engine 'okt' needs Java")
    found = DataDescription(
        **{name: getattr(found, name) for name in DataDescription.__slots__} | {"tokenizers": [missing]}
    )
    html = page(found, tmp_path, "ko")
    assert "긍정과 부정이 모두 있어야" in html
    assert "needs Java" in html
