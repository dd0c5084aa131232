"""The words of the drift page and table in Korean and English."""

from __future__ import annotations

from reelsense.reporting.words import Words, in_language

_WORDS = {
    "title": ("드리프트: 무엇이 달라졌나", "Drift: what has changed"),
    "score": ("점수 (PSI)", "scores (PSI)"),
    "rating": ("평점 (PSI)", "ratings (PSI)"),
    "length": ("길이 (KS)", "lengths (KS)"),
    "vocabulary": ("어휘 (JS)", "words (JS)"),
    "all": ("모든 리뷰", "all reviews"),
    "made": ("작성", "made"),
    "model": ("모델", "model"),
    "newest": ("가장 새 리뷰", "newest review"),
    "films": ("영화", "films"),
    "film": ("영화", "film"),
    "alarms": ("경보", "alarms"),
    "weeks": ("주", "weeks"),
    "week": ("주", "week"),
    "measure": ("지표", "measure"),
    "value": ("값", "value"),
    "threshold": ("기준", "threshold"),
    "reviews": ("리뷰", "reviews"),
    "mean": ("평균 (이전 → 이번 주)", "mean (before → this week)"),
    "rising": ("늘어난 말", "rising words"),
    "map": ("이번 주, 영화별 (기준 대비 배수)", "This week by film (times the threshold)"),
    "none": ("아직 리뷰가 없습니다. reelsense crawl 로 수집하세요.", "No reviews yet: run reelsense crawl."),
    "quiet": ("이번 주에는 기준을 넘은 지표가 없습니다.", "No measure is over its threshold this week."),
    "few": ("리뷰가 적어 잴 수 없음", "too few reviews to say"),
    "left_out": ("편은 생략했습니다 (monitoring.films).", "further films are left out (monitoring.films)."),
    "rule": (
        "주마다 그 이전 28일과 비교합니다. 한 주는 가장 새 리뷰부터 거꾸로 센 7일입니다. PSI는 분포의 안정성 지수, "
        "KS는 누적 분포의 가장 큰 차이, JS는 글자 n-그램의 젠슨-섀넌 거리 가운데 우연을 넘는 부분(비트)입니다. 기준은 "
        "설정값과 우연한 차이 가운데 큰 쪽이고, 양쪽에 다음 수 이상의 리뷰가 있어야 잽니다:",
        "Each week is held against the 28 days before it; a week is seven days counted back from the newest review. "
        "PSI is the population stability index, KS the largest gap of the cumulative distributions, JS the "
        "Jensen-Shannon divergence of character n-grams beyond chance, in bits. The threshold is that of the settings, "
        "or chance where that is more. Least reviews on both sides:",
    ),
}


def drift_words(language: str) -> Words:
    """All words in "ko" or "en"."""
    return in_language(_WORDS, language)
