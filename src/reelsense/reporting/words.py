"""The words of the report and the command line in Korean and English."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, str]

_WORDS = {
    "title": ("영화 리뷰 감성 리포트", "Film review sentiment report"),
    "positive": ("긍정", "positive"),
    "neutral": ("중립", "neutral"),
    "negative": ("부정", "negative"),
    "film": ("영화", "film"),
    "films_count": ("영화", "films"),
    "films": ("영화별 감성", "Sentiment by film"),
    "sources": ("출처", "sources"),
    "reviews": ("리뷰", "reviews"),
    "scored": ("분석됨", "scored"),
    "rejected": ("보류된 행", "rows kept aside"),
    "rating": ("평균 평점", "mean rating"),
    "confidence": ("평균 신뢰도", "mean confidence"),
    "agreement": ("평점과의 일치", "agreement with ratings"),
    "agreement_note": (
        "평점 0–4 또는 9–10점인 리뷰 가운데 모델의 감성이 평점과 같은 방향인 비율",
        "share of reviews rated 0-4 or 9-10 whose sentiment points the same way",
    ),
    "trend": ("날짜별 리뷰", "Reviews by day"),
    "aspects": ("요소별 감성", "Sentiment by aspect"),
    "praised": ("호평의 말", "Words of praise"),
    "blamed": ("혹평의 말", "Words of blame"),
    "best": ("가장 긍정적인 리뷰", "Most positive reviews"),
    "worst": ("가장 부정적인 리뷰", "Most negative reviews"),
    "mismatches": ("평점과 감성이 어긋난 리뷰", "Reviews whose rating and sentiment disagree"),
    "spoiler": ("스포일러 — 눌러서 보기", "spoiler: click to read"),
    "runs": ("최근 작업", "Latest runs"),
    "pipeline": ("작업", "pipeline"),
    "status": ("상태", "status"),
    "started": ("시작", "started"),
    "message": ("메모", "message"),
    "model": ("모델", "model"),
    "made": ("작성", "made"),
    "neutral_rule": ("중립 기준: 최고 확률", "neutral: top probability under"),
    "left_out": ("편의 영화는 리뷰가 적어 생략했습니다.", "further films have fewer reviews and are left out."),
    "none": ("아직 리뷰가 없습니다. reelsense crawl 로 수집하세요.", "No reviews yet: run reelsense crawl."),
    "new": ("신규", "new"),
    "changed": ("변경", "changed"),
    "unchanged": ("그대로", "unchanged"),
    "duplicates": ("중복", "duplicates"),
    "pages": ("쪽", "pages"),
}


def words(language: str) -> Words:
    """All words in "ko" or "en"."""
    return in_language(_WORDS, language)


def in_language(pairs: Mapping[str, tuple[str, str]], language: str) -> Words:
    """The Korean ("ko") or English one of each pair of words."""
    return {key: pair[0 if language == "ko" else 1] for key, pair in pairs.items()}
