"""Which column holds the texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelsense.errors import InputError
from reelsense.tables.columns import columns_of, find_text_column, guess_text_column


@pytest.mark.parametrize("name", ["document", "text", "review", "리뷰", "내용", "감상평", "comment", "content", "후기"])
def test_the_usual_names_are_known(name: str) -> None:
    sample = [{"영화제목": "아주 긴 제목을 가진 어느 멋진 영화", name: "좋다"}]
    assert guess_text_column(["영화제목", name], sample) == name
    assert guess_text_column(["영화제목", f" {name.upper()} "], [{f" {name.upper()} ": "좋다"}]) == f" {name.upper()} "


def test_else_the_column_with_the_most_hangul() -> None:
    sample = [{"a": "배우", "b": "정말 재미있는 영화였어요", "c": "very good film indeed, the best"}]
    assert guess_text_column(["a", "b", "c"], sample) == "b"


def test_a_usual_name_without_any_korean_gives_way() -> None:
    sample = [{"review": 17, "말": "재미있어요"}]
    assert guess_text_column(["review", "말"], sample) == "말"


def test_a_usual_name_is_taken_when_nothing_is_korean() -> None:
    assert guess_text_column(["id", "text"], [{"id": "1", "text": "good"}]) == "text"


def test_nothing_like_a_text_is_an_error_that_lists_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"numbers\.csv.*a, b"):
        find_text_column(path)


def test_a_column_asked_for_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("a,리뷰\n1,좋다\n", encoding="utf-8")
    assert find_text_column(path, "a") == "a"
    with pytest.raises(InputError, match="no column 'b'"):
        find_text_column(path, "b")


def test_a_header_alone_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "empty.tsv"
    path.write_text("id\tdocument\tlabel\n")
    assert find_text_column(path) == "document"
    assert columns_of(path) == ["id", "document", "label"]


def test_columns_of_later_json_rows_are_found_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "좋다"}\n' * 300 + '{"late": 1}\n', encoding="utf-8")
    assert columns_of(path) == ["text"]
    assert columns_of(path, whole=True) == ["text", "late"]
    assert find_text_column(path, "late") == "late"
