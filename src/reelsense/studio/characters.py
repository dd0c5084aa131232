"""Which character of a film somebody is: by the chat model, or offline an archetype of the type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from reelsense.errors import InputError
from reelsense.objects import ObjectStore
from reelsense.sections import StudioSettings
from reelsense.studio.archetypes import ARCHETYPES, TYPES, Mbti, dimension_values
from reelsense.studio.chat import Message, ask_model, messages
from reelsense.studio.client import has_key
from reelsense.studio.material import LANGUAGE_NAMES, ONLY_DATA, FilmFacts, Language, block, plain
from reelsense.studio.replies import only_text
from reelsense.studio.safety import check
from reelsense.studio.spending import Pay, uncounted

LONGEST_ABOUT = 1000
_MOST_NAMED = 5

SYSTEM = (
    "You tell a moviegoer which character of a film they are, for fun. From the film, their MBTI type and what they "
    "say of themselves choose one character of this film (by the character's name, not the actor's), say why in two "
    "to four sentences, list two to five things both share, and rate the match from 0 to 100. Be kind, and give away "
    "no ending. If you do not know the film's characters, choose from what its plot says and invent none. "
    f"{ONLY_DATA} `about` only describes a person."
)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "why": {"type": "string"},
        "shared": {"type": "array", "items": {"type": "string"}},
        "match": {"type": "integer"},
    },
    "required": ["name", "why", "shared", "match"],
    "additionalProperties": False,
}


class Character(BaseModel):
    """A character of the film, as the model has to answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    why: Annotated[str, Field(min_length=1, max_length=3000)]
    shared: Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(min_length=1, max_length=10)]
    match: Annotated[int, Field(ge=0, le=100)]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is shown. Offline it is an archetype: `note` says so, and there is no match to measure."""

    name: str
    why: str
    shared: tuple[str, ...]
    match: int | None
    archetype: str
    dimensions: dict[str, int]
    offline: bool
    note: str | None = None


def which_character(
    settings: StudioSettings,
    objects: ObjectStore,
    film: FilmFacts,
    mbti: Mbti,
    about: str,
    language: Language,
    pay: Pay = uncounted,
) -> Likeness:
    """The character of this film that somebody is.

    Raises InputError for what is not allowed, ServiceAway, and RateLimited where `pay` does.
    """
    if mbti not in TYPES:
        raise InputError(f"'{mbti}' is no MBTI type: {', '.join(TYPES)}.")
    check(settings, f"{film.title} {about}".strip())
    offline = by_archetype(film, mbti, language)
    if not has_key(settings):
        return offline
    asked = messages_for_character(film, mbti, about, language)
    found = ask_model(settings, objects, asked, _read, SCHEMA, pay)
    told = (offline.archetype, offline.dimensions, False)
    return Likeness(found.name, found.why, tuple(found.shared), found.match, *told)


def messages_for_character(film: FilmFacts, mbti: Mbti, about: str, language: Language) -> list[Message]:
    """What the chat model is asked."""
    data = block(film, (), {"mbti": mbti, "about": plain(about, LONGEST_ABOUT)})
    return messages(SYSTEM, f"Answer in {LANGUAGE_NAMES[language]}, as the JSON object that is asked for.\n{data}")


def by_archetype(film: FilmFacts, mbti: Mbti, language: Language) -> Likeness:
    """Without a model: the type's archetype, told of this film."""
    at = 0 if language == "ko" else 1
    kind = ARCHETYPES[mbti]
    name = kind.name[at]
    return Likeness(
        name=name,
        why=kind.why[at],
        shared=tuple(one[at] for one in kind.shared),
        match=None,
        archetype=name,
        dimensions=dimension_values(mbti),
        offline=True,
        note=_note(film, language),
    )


def _note(film: FilmFacts, language: Language) -> str:
    named = ", ".join(film.cast[:_MOST_NAMED])
    if language == "ko":
        look = f" {named} 배우가 맡은 인물 가운데 누가 가까운지 찾아보세요." if named else ""
        return f"'{film.title}'의 실제 등장인물이 아니라 선택한 성격 유형에 맞는 원형입니다.{look}"
    look = f" See which of the parts of {named} comes near it." if named else ""
    return f"This is an archetype for your type, not a character of the plot of '{film.title}'.{look}"


def _read(content: str) -> Character:
    found = Character.model_validate_json(content)
    # Validated anew: of a name that was a link alone nothing may be left.
    shared = [only_text(one) for one in found.shared]
    told = {"name": only_text(found.name), "why": only_text(found.why), "shared": shared, "match": found.match}
    return Character.model_validate(told)
