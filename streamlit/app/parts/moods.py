"""What a score feels like: words, a message and a face for each band of the probability of positive."""

from __future__ import annotations

from parts.words import t

# (from, face, related words in Korean and English), six bands.
_WORDS = (
    (0.00, "😡", "분노 · 실망 · 지루함 · 후회 · 배신감", "anger · disappointment · boredom · regret · betrayal"),
    (0.15, "😞", "아쉬움 · 답답함 · 피로 · 허무", "letdown · frustration · weariness · emptiness"),
    (0.30, "😕", "미적지근함 · 의문 · 산만함", "lukewarm · doubt · distraction"),
    (0.50, "🙂", "무난함 · 호기심 · 편안함", "fair · curiosity · ease"),
    (0.70, "😊", "즐거움 · 만족 · 설렘 · 공감", "joy · contentment · flutter · empathy"),
    (0.85, "🤩", "감동 · 전율 · 환희 · 여운 · 몰입", "being moved · thrill · delight · afterglow · immersion"),
)
# Ten bands of equal width.
_MESSAGES = (
    ("다시는 떠올리고 싶지 않은 영화였군요.", "A film best forgotten."),
    ("돈과 시간이 아까우셨겠어요.", "Money and time not well spent."),
    ("기대가 컸던 만큼 실망도 컸나 봅니다.", "High hopes, hard landing."),
    ("좋은 점보다 걸리는 점이 많았네요.", "More to mind than to like."),
    ("조금 아쉬움이 남는 감상이에요.", "A little was missing."),
    ("나쁘지 않지만 마음을 다 주지는 않으셨네요.", "Not bad, not quite love."),
    ("꽤 괜찮게 보셨군요.", "Rather liked."),
    ("만족스러운 시간이었겠어요.", "Time well spent."),
    ("주변에 권하고 싶은 마음이 느껴져요.", "One to tell friends about."),
    ("마음을 완전히 빼앗긴 감상이에요!", "Completely taken!"),
)


def face(positive: float) -> str:
    """An emoji for the score."""
    return _band(positive)[1]


def related(positive: float) -> str:
    """Emotions that go with the score."""
    _, _, korean, english = _band(positive)
    return t(korean, english)


def message(positive: float) -> str:
    """A sentence for the score."""
    return t(*_MESSAGES[min(int(positive * len(_MESSAGES)), len(_MESSAGES) - 1)])


def _band(positive: float) -> tuple[float, str, str, str]:
    return [band for band in _WORDS if positive >= band[0]][-1]
