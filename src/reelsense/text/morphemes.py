"""Morphemes by Kiwi, or by KoNLPy's Okt where Java is at hand. Engines are made when first used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from reelsense.errors import InputError, installing
from reelsense.text.clean import clean

Engine = Literal["kiwi", "okt"]
# Okt's word classes in the terms of the Sejong tag set, which Kiwi uses.
_OKT_TAGS = {"Noun": "NNG", "Verb": "VV", "Adjective": "VA", "Adverb": "MAG"}


class Morpheme(NamedTuple):
    """A form and its tag in the Sejong set (NNG noun, VV verb, VA adjective …)."""

    form: str
    tag: str


def morphemes(texts: Sequence[str], engine: Engine = "kiwi") -> list[list[Morpheme]]:
    """The morphemes of each text, verbs and adjectives as stems.

    Raises InputError when the engine is unknown or not installed.
    """
    cleaned = [clean(text) for text in texts]
    if engine == "okt":
        okt = _okt()
        return [
            [
                Morpheme(form.removesuffix("다") if tag in ("Verb", "Adjective") else form, _OKT_TAGS.get(tag, tag))
                for form, tag in okt.pos(text, stem=True)
            ]
            for text in cleaned
        ]
    if engine != "kiwi":
        raise InputError(f"There is no engine '{engine}'; use kiwi or okt.")
    # One call for all texts: only that lets Kiwi use its further threads.
    return [[Morpheme(token.form, token.tag) for token in tokens] for tokens in _kiwi().tokenize(cleaned)]


@cache
def _kiwi() -> Any:
    from kiwipiepy import Kiwi

    return Kiwi()


@cache
def _okt() -> Any:
    try:
        from konlpy.tag import Okt

        return Okt()
    except ImportError as error:
        raise InputError(f"The engine 'okt' needs KoNLPy: {installing('okt')}.") from error
    except Exception as error:  # JPype raises its own, by what is wrong with Java
        raise InputError(
            f"The engine 'okt' needs Java 8 or newer (apt install default-jre-headless): {error}"
        ) from error
