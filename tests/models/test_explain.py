"""Explanations: exact where they can be, and always about the text that was sent."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelsense.models.explain import explain_by_occlusion, explain_linear, occlusions
from reelsense.models.loading import load_bundled

MODEL = load_bundled()


@given(st.text(max_size=80))
def test_words_and_rest_add_up_to_the_score(text: str) -> None:
    found = explain_linear(MODEL, text)
    positive = float(MODEL.predict_proba([text])[0])
    total = sum(span.weight for span in found.spans) + found.rest
    assert 1 / (1 + math.exp(-max(-700, min(700, total)))) == pytest.approx(positive, abs=1e-4)


@given(st.text(max_size=80))
def test_spans_are_pieces_of_the_original_in_order(text: str) -> None:
    spans = explain_linear(MODEL, text).spans
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))


def test_the_words_that_decide_weigh_most() -> None:
    spans = explain_linear(MODEL, "배우들은 그저 그랬는데   스토리가 너무 지루했다ㅋㅋㅋㅋㅋㅋ").spans
    assert min(spans, key=lambda span: span.weight).text == "지루했다ㅋㅋㅋㅋㅋㅋ"


def test_occlusion_weighs_a_piece_by_what_falls_without_it() -> None:
    text = "  정말 \u200b 좋았다 "
    assert occlusions(text) == ["정말 좋았다", "좋았다", "정말"]
    found = explain_by_occlusion(text, [0.9, 0.9, 0.5])
    assert [span.text for span in found.spans] == ["정말", "좋았다"]
    assert [span.weight for span in found.spans] == pytest.approx([0, math.log(9)], abs=1e-5)


def test_a_long_text_is_explained_in_at_most_64_pieces() -> None:
    text = " ".join(f"단어{number}" for number in range(1000))
    assert len(occlusions(text)) == 1 + 63
    found = explain_by_occlusion(text, [0.5] * 64)
    assert found.spans[0].start == 0
    assert found.spans[-1].end == len(text)
