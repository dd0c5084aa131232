"""A data description as one HTML file that needs no network."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

from reelsense.errors import InputError
from reelsense.reporting.data_charts import charts_of
from reelsense.reporting.page import write_page
from reelsense.reporting.wordclouds import draw_cloud
from reelsense.reporting.words import Words, in_language
from reelsense.training.class_tokens import ClassTokens
from reelsense.training.describe import DataDescription

_WORDS = {
    "title": ("데이터 리포트", "Data report"),
    "positive": ("긍정", "positive"),
    "neutral": ("중립", "neutral"),
    "negative": ("부정", "negative"),
    "unlabelled": ("라벨 없음", "unlabelled"),
    "facts": ("한눈에", "Facts"),
    "rows": ("텍스트가 있는 행", "rows with a text"),
    "blank": ("빈 행", "blank rows"),
    "unreadable": ("읽지 못한 행", "rows that could not be read"),
    "classes": ("클래스 균형", "Class balance"),
    "majority": ("가장 많은 클래스의 비율", "share of the largest class"),
    "majority_note": ("(늘 이 클래스라고 답하면 얻는 정확도)", "(the accuracy of always answering it)"),
    "groups": ("출처·부분", "sources and parts"),
    "days": ("기간", "days"),
    "lengths": ("길이", "Lengths"),
    "characters": ("글자 수 (정제 후)", "characters after cleaning"),
    "tokens": ("토큰 수", "tokens"),
    "mean": ("평균", "mean"),
    "median": ("중앙값", "median"),
    "longest": ("최대", "longest"),
    "ratings": ("평점 분포", "Ratings"),
    "rating": ("평점", "rating"),
    "mean_rating": ("평균 평점", "mean rating"),
    "over_time": ("시간에 따른 리뷰와 평점", "Reviews and ratings over time"),
    "repeats": ("중복", "Duplicates"),
    "exact": ("글자까지 같은 중복 행", "rows that repeat a text to the letter"),
    "same": ("띄어쓰기·대소문자만 다른 것까지", "… or but for case and spacing"),
    "contradictory": ("긍정·부정이 엇갈린 텍스트", "texts labelled both positive and negative"),
    "in_rows": ("행", "rows"),
    "most_repeated": ("가장 많이 반복된 텍스트", "Most repeated texts"),
    "text": ("텍스트", "text"),
    "cleaning": ("정제가 바꾼 것", "What cleaning changes"),
    "cleaned": ("정제로 바뀐 텍스트", "texts that cleaning changes"),
    "before": ("전", "before"),
    "after": ("후", "after"),
    "unchanged": ("정제가 바꾸는 텍스트가 없습니다.", "Cleaning changes no text."),
    "invisible": ("보이지 않는 문자 제거", "invisible characters taken out"),
    "control": ("제어 문자를 빈칸으로", "control characters made blanks"),
    "composition": ("유니코드 NFC로 결합", "composed to Unicode NFC"),
    "spaces": ("빈칸 정리", "white space folded"),
    "repeated": ("네 번 이상의 반복을 셋으로", "runs of four and more squeezed to three"),
    "words": ("단어", "Words"),
    "tokenizer": ("토크나이저", "tokenizer"),
    "vocabulary": ("서로 다른 단어", "distinct words"),
    "per_text": ("텍스트당 토큰", "tokens a text"),
    "sampled": ("본 텍스트", "texts looked at"),
    "sample_note": (
        "형태소 분석은 느려서 클래스마다 무작위로 최대 {:,}개 텍스트만 보았습니다. 나머지 숫자는 모든 행에서 셌습니다.",
        "Tokenizers are slow: they saw a random sample of up to {:,} texts of each class. All else is of all rows.",
    ),
    "whole_note": ("모든 텍스트를 보았습니다.", "They saw all texts."),
    "missing": ("쓸 수 없음", "not to be had here"),
    "no_clouds": ("워드 클라우드가 빠졌습니다.", "Word clouds are left out."),
    "differing": (
        "클래스를 가르는 단어 (디리클레 사전분포를 둔 로그 오즈, z)",
        "Words that set the classes apart (log-odds with a Dirichlet prior, z)",
    ),
    "ngrams": ("클래스를 가르는 n-그램", "N-grams that decide"),
    "ngrams_note": (
        "모든 긍정·부정 텍스트의 글자 2–5개 n-그램. ␣는 빈칸, z는 디리클레 사전분포를 둔 로그 오즈 (Monroe 외 2008).",
        "Of 2 to 5 characters, over all positive and negative texts. ␣ is a blank; z are log-odds with an informative "
        "Dirichlet prior (Monroe et al. 2008).",
    ),
    "ngram": ("n-그램", "n-gram"),
    "here": ("이 클래스", "in this class"),
    "there": ("다른 클래스", "in the other"),
    "one_class": (
        "긍정과 부정이 모두 있어야 클래스를 가르는 말을 찾을 수 있습니다.",
        "What sets classes apart can be found only where there are positive and negative texts.",
    ),
    "fact_text": ("텍스트 열", "column of texts"),
    "fact_label": ("라벨 열", "column of labels"),
    "fact_rating": ("평점 열", "column of ratings"),
    "fact_date": ("날짜 열", "column of dates"),
    "fact_data_version": ("데이터 버전", "data version"),
    "fact_dataset": ("데이터 집합", "data set"),
}
_KINDS = {"repeats": "repeated"}  # `repeats` is the word for duplicates


def write_data_page(found: DataDescription, path: Path, language: str = "ko") -> Path:
    """Write the description in "ko" or "en" to `path`, complete or not at all. Texts are escaped.

    Without the packages for word clouds the page says so and has all else.
    """
    said = data_words(language)
    try:
        clouds = [_clouds(tokens) for tokens in found.tokenizers]
        no_clouds = ""
    except InputError as error:
        clouds, no_clouds = [{} for _ in found.tokenizers], str(error)
    return write_page(
        "data_page.html.j2",
        path,
        language,
        datetime.now(UTC),
        found=found,
        words=said,
        kinds={change.kind: said[_KINDS.get(change.kind, change.kind)] for change in found.cleaning},
        fact_names={key: said.get(f"fact_{key}", key) for key in found.facts},
        charts=charts_of(found, said),
        clouds=clouds,
        no_clouds=no_clouds,
    )


def data_words(language: str) -> Words:
    """The page's words in "ko" or "en"."""
    return in_language(_WORDS, language)


def _clouds(tokens: ClassTokens) -> dict[str, str]:
    """A picture for each class, as base64."""
    return {
        name: base64.b64encode(draw_cloud(tuple((word.word, word.count) for word in found), name)).decode()
        for name, found in tokens.frequent.items()
        if found
    }
