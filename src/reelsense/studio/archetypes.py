"""Sixteen archetypes of film characters, one for each type: what can be said without a model and for any film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

# fmt: off
Mbti = Literal[
    "ISTJ", "ISFJ", "INFJ", "INTJ", "ISTP", "ISFP", "INFP", "INTP",
    "ESTP", "ESFP", "ENFP", "ENTP", "ESTJ", "ESFJ", "ENFJ", "ENTJ",
]
# fmt: on
TYPES: tuple[Mbti, ...] = get_args(Mbti)
# The poles of the four dimensions; a type names one of each.
DIMENSIONS = (("E", "I"), ("S", "N"), ("T", "F"), ("J", "P"))
# A type says on which side somebody is, not how far.
_SIDE, _OTHER_SIDE = 75, 25


@dataclass(frozen=True, slots=True)
class Archetype:
    """In Korean and English: the name, why a person of the type is like it, and what both share."""

    name: tuple[str, str]
    why: tuple[str, str]
    shared: tuple[tuple[str, str], ...]


ARCHETYPES: dict[Mbti, Archetype] = {
    "ISTJ": Archetype(
        ("약속을 지키는 파수꾼", "The keeper of promises"),
        (
            "모두가 흔들릴 때도 맡은 자리를 떠나지 않고, 작은 사실을 끝까지 확인해 이야기를 바로 세웁니다.",
            "Stays at the post when others waver, and sets the story right by checking the small facts to the end.",
        ),
        (("책임감", "a sense of duty"), ("꼼꼼함", "care for detail"), ("말보다 행동", "deeds before words")),
    ),
    "ISFJ": Archetype(
        ("조용히 곁을 지키는 사람", "The quiet guardian"),
        (
            "눈에 띄지 않게 사람들을 돌보고, 누군가 무너지는 순간 가장 먼저 손을 내밉니다.",
            "Looks after people without being seen, and is the first to reach out when someone breaks down.",
        ),
        (("다정함", "kindness"), ("기억력", "remembering what matters to others"), ("인내", "patience")),
    ),
    "INFJ": Archetype(
        ("신념을 품은 길잡이", "The guide with a conviction"),
        (
            "드러나지 않은 마음을 먼저 읽고, 옳다고 믿는 일을 위해 조용하지만 물러서지 않습니다.",
            "Reads what others hide, and holds on, quietly but firmly, to what is right.",
        ),
        (("통찰", "insight"), ("이상", "ideals"), ("깊은 공감", "deep empathy")),
    ),
    "INTJ": Archetype(
        ("판을 읽는 전략가", "The strategist"),
        (
            "여러 수 앞을 내다보고 홀로 계획을 세워, 마지막에 모든 조각이 맞물리게 합니다.",
            "Sees several moves ahead and plans alone until, at the end, every piece falls into place.",
        ),
        (("독립심", "independence"), ("장기적인 시야", "the long view"), ("높은 기준", "high standards")),
    ),
    "ISTP": Archetype(
        ("말없는 해결사", "The silent fixer"),
        (
            "위기에서 가장 침착하고, 손에 잡히는 것으로 빠르게 길을 냅니다.",
            "Is calmest in a crisis and finds a way out with whatever is at hand.",
        ),
        (("침착함", "composure"), ("손재주", "skilled hands"), ("자유로움", "a need for freedom")),
    ),
    "ISFP": Archetype(
        ("자기 색을 지닌 예술가", "The artist of one's own colour"),
        (
            "말 대신 표정과 작품으로 마음을 전하고, 순간의 아름다움을 놓치지 않습니다.",
            "Speaks by looks and works rather than words, and never misses the beauty of a moment.",
        ),
        (("감수성", "sensitivity"), ("온화함", "gentleness"), ("자기다움", "being oneself")),
    ),
    "INFP": Archetype(
        ("꿈을 놓지 않는 몽상가", "The dreamer who holds on"),
        (
            "현실에 부딪혀도 마음속 이상을 버리지 않고, 그 진심으로 다른 사람을 움직입니다.",
            "Keeps an ideal through every setback, and moves others by meaning it.",
        ),
        (("진심", "sincerity"), ("상상력", "imagination"), ("상처를 이해하는 마음", "knowing what hurts")),
    ),
    "INTP": Archetype(
        ("수수께끼를 푸는 관찰자", "The observer who solves the riddle"),
        (
            "모두가 지나친 모순을 붙잡고, 왜라는 질문 하나로 진실에 닿습니다.",
            "Holds on to the contradiction that all others passed by, and gets to the truth by asking why.",
        ),
        (("호기심", "curiosity"), ("논리", "logic"), ("엉뚱함", "odd ideas")),
    ),
    "ESTP": Archetype(
        ("몸으로 부딪치는 승부사", "The risk-taker"),
        (
            "생각보다 먼저 움직이고, 막다른 골목을 가장 짜릿한 장면으로 바꿉니다.",
            "Moves before others have thought, and turns a dead end into the most thrilling scene.",
        ),
        (("순발력", "quick reactions"), ("대담함", "daring"), ("현장 감각", "a feel for the moment")),
    ),
    "ESFP": Archetype(
        ("무대를 밝히는 분위기 메이커", "The one who lights up the room"),
        (
            "무거운 장면에도 웃음을 들여오고, 사람들을 다시 한자리에 모읍니다.",
            "Brings laughter even into heavy scenes, and gets people back together.",
        ),
        (("유쾌함", "cheerfulness"), ("표현력", "expressiveness"), ("지금을 사는 힘", "living in the present")),
    ),
    "ENFP": Archetype(
        ("모험을 부르는 자유로운 영혼", "The free spirit who starts the adventure"),
        (
            "낯선 만남에서 가능성을 보고, 모두를 뜻밖의 길로 이끕니다.",
            "Sees a chance in every stranger, and takes all others down an unexpected road.",
        ),
        (("열정", "enthusiasm"), ("상상력", "imagination"), ("사람을 좋아하는 마음", "a love of people")),
    ),
    "ENTP": Archetype(
        ("판을 뒤집는 재담가", "The quick wit who turns the tables"),
        (
            "정해진 규칙을 의심하고, 기발한 말과 꾀로 흐름을 바꿉니다.",
            "Doubts every rule, and changes the course of things with a clever word or trick.",
        ),
        (("재치", "wit"), ("도전 정신", "a taste for challenge"), ("새로운 생각", "new ideas")),
    ),
    "ESTJ": Archetype(
        ("무리를 이끄는 현실적인 대장", "The practical leader"),
        (
            "혼란 속에서 할 일을 나누고, 결과에 끝까지 책임을 집니다.",
            "Hands out tasks in the midst of chaos, and answers for how it ends.",
        ),
        (("추진력", "drive"), ("질서", "order"), ("솔직함", "plain speaking")),
    ),
    "ESFJ": Archetype(
        ("모두를 챙기는 살림꾼", "The heart of the household"),
        (
            "갈라진 사람들 사이를 잇고, 함께 밥을 먹는 자리로 이야기를 데려갑니다.",
            "Mends what has come between people, and leads the story back to a shared table.",
        ),
        (("배려", "consideration"), ("사교성", "sociability"), ("성실함", "reliability")),
    ),
    "ENFJ": Archetype(
        ("사람을 일으키는 멘토", "The mentor"),
        (
            "다른 사람의 가능성을 먼저 믿어 주고, 그 믿음으로 모두를 한 걸음 더 나아가게 합니다.",
            "Believes in others before they do, and so gets everyone one step further.",
        ),
        (("이끄는 말", "words that move"), ("공감", "empathy"), ("사명감", "a sense of mission")),
    ),
    "ENTJ": Archetype(
        ("큰 그림의 지휘관", "The commander"),
        (
            "목표를 정하면 망설이지 않고, 불가능해 보이는 작전에 사람들을 모읍니다.",
            "Does not hesitate once the goal is set, and rallies people to a plan that seems impossible.",
        ),
        (("결단력", "resolve"), ("야망", "ambition"), ("통솔력", "command")),
    ),
}


def dimension_values(mbti: Mbti) -> dict[str, int]:
    """For a chart: 0-100 for each of E, S, T and J; the rest up to 100 belongs to I, N, F and P."""
    return {first: _SIDE if first in mbti else _OTHER_SIDE for first, _ in DIMENSIONS}
