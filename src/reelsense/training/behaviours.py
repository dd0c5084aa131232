"""The behavioural tests of a model: templates of Korean reviews, filled in and counted.

Three kinds, after CheckList (Ribeiro et al., ACL 2020): minimal functionality (the answer must be this), invariance
(a change that means nothing must not turn it), direction (a change must not move it the wrong way). The templates are
in `behaviours.yaml`; the same cases come out always, so failure rates of models can be compared.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Literal

from reelsense.documents.yaml_text import parse_yaml
from reelsense.errors import SettingsError
from reelsense.text import perturb
from reelsense.text.hangul import is_syllable, take_apart

TEMPLATES = Path(__file__).with_name("behaviours.yaml")

Kind = Literal["minimum", "invariance", "direction"]
# Cases kept of one test, so that a template with many words weighs no more than one with few.
MOST_CASES = 20
_EXPECTED = ("positive", "negative", "unsure")
_TOWARD = ("positive", "negative", "same")
_SLOT = re.compile(r"\{(\w+)(?:\+(이라|[은이을과]))?\}")
# After a final consonant the first, else the second.
_PARTICLES = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와"), "이라": ("이라", "라")}
_TYPO_RATE, _SPACE_RATE = 0.1, 0.3


@dataclass(frozen=True, slots=True)
class Case:
    """A text with what is `expected` of it (positive, negative, unsure), or a text and its changed form.

    Of a pair is expected: same (the answer does not turn), or positive or negative (it moves no other way).
    """

    texts: tuple[str, ...]
    expected: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A test: its Korean and English name, its capability's, its kind and cases."""

    capability: tuple[str, str]
    name: tuple[str, str]
    kind: Kind
    cases: tuple[Case, ...]


@lru_cache(maxsize=1)
def bundled_behaviours() -> tuple[Behaviour, ...]:
    """The suite of the package."""
    return read_behaviours(TEMPLATES)


def read_behaviours(path: Path) -> tuple[Behaviour, ...]:
    """The tests of a file of templates. Raises SettingsError that names the test which is wrong."""
    try:
        given = parse_yaml(path.read_text(encoding="utf-8"))
        words = {name: [str(word) for word in found] for name, found in given["words"].items()}
        capabilities = [(_names(one["name"]), list(one["tests"])) for one in given["capabilities"]]
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise SettingsError(f"'{path}' is no file of behaviours (words, capabilities with tests): {error}") from None
    found = []
    for capability, tests in capabilities:
        for test in tests:
            try:
                found.append(_behaviour(capability, test, words))
            except (KeyError, TypeError, ValueError) as error:
                name = test.get("name", test) if isinstance(test, Mapping) else test
                raise SettingsError(f"'{path.name}', {capability[1]}, test {name}: {error}") from None
    return tuple(found)


def suite_number(suite: Sequence[Behaviour]) -> str:
    """8 hex digits that change with any case: only results of the same suite can be compared."""
    cases = [(one.name[1], case.texts, case.expected) for one in suite for case in one.cases]
    return hashlib.sha256(repr(cases).encode()).hexdigest()[:8]


def _behaviour(capability: tuple[str, str], test: Mapping[str, Any], words: Mapping[str, list[str]]) -> Behaviour:
    kinds = [key for key in ("expect", "vary", "perturb", "toward") if key in test]
    unknown = set(test) - {"name", "texts", "pairs", *kinds}
    if len(kinds) != 1 or unknown:
        odd = f", not {', '.join(sorted(unknown))}" if unknown else ""
        raise ValueError(f"one of expect, vary, perturb, toward is wanted{odd}")
    how, what = kinds[0], str(test[kinds[0]])
    if how == "expect":
        _one_of(what, _EXPECTED)
        cases = [Case((text,), what) for text in _filled(test["texts"], words)]
        kind: Kind = "minimum"
    elif how == "toward":
        _one_of(what, _TOWARD)
        cases = [Case(pair, what) for pair in _filled_pairs(test["pairs"], words)]
        kind = "invariance" if what == "same" else "direction"
    elif how == "vary":
        _one_of(what, tuple(words))
        cases = [Case(pair, "same") for pair in _varied(test["texts"], what, words)]
        kind = "invariance"
    else:
        _one_of(what, tuple(_PERTURBATIONS))
        cases = [Case(pair, "same") for pair in _perturbed(test["texts"], _PERTURBATIONS[what], words)]
        kind = "invariance"
    if not cases:
        raise ValueError("it has no cases")
    return Behaviour(capability, _names(test["name"]), kind, tuple(_chosen(cases)))


def _names(given: Any) -> tuple[str, str]:
    korean, english = given
    return str(korean), str(english)


def _one_of(word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise ValueError(f"'{word}' is none of {', '.join(known)}")


def _chosen(cases: Sequence[Case]) -> list[Case]:
    """At most MOST_CASES different cases, by a hash of their texts: which ones does not depend on the others."""
    different = list(dict.fromkeys(cases))
    kept = set(sorted(different, key=lambda case: hashlib.sha256("\n".join(case.texts).encode()).digest())[:MOST_CASES])
    return [case for case in different if case in kept]


def _filled(templates: Sequence[str], words: Mapping[str, list[str]]) -> Iterator[str]:
    for template in templates:
        for values in _values([template], words):
            yield fill(template, values)


def _filled_pairs(pairs: Sequence[Sequence[str]], words: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    for first, second in pairs:
        for values in _values([first, second], words):
            yield fill(first, values), fill(second, values)


def _varied(templates: Sequence[str], name: str, words: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """The first word of a list against each of its others."""
    first, *others = words[name]
    fixed = {**words, name: [first]}
    for template in templates:
        for values in _values([template], fixed):
            yield from ((fill(template, values), fill(template, {**values, name: other})) for other in others)


def _perturbed(
    templates: Sequence[str], change: Callable[[str, Random], str], words: Mapping[str, list[str]]
) -> Iterator[tuple[str, ...]]:
    for text in _filled(templates, words):
        changed = change(text, Random(text))  # a seed that stays when other cases come and go
        if changed != text:
            yield text, changed


def _values(templates: Sequence[str], words: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    """Every combination of words for the slots of the templates."""
    names = list(dict.fromkeys(found[1] for template in templates for found in _SLOT.finditer(str(template))))
    unknown = [name for name in names if name not in words]
    if unknown:
        raise ValueError(f"there is no list of words '{unknown[0]}'")
    for combination in itertools.product(*(words[name] for name in names)):
        yield dict(zip(names, combination, strict=True))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its words, each with the particle that its last letter asks for."""

    def word(found: re.Match[str]) -> str:
        chosen = values[found[1]]
        if not found[2]:
            return chosen
        last = chosen[-1]
        closed = bool(take_apart(last)[2]) if is_syllable(last) else False
        return chosen + _PARTICLES[found[2]][0 if closed else 1]

    return _SLOT.sub(word, str(template))


def _one_typo(text: str, rng: Random) -> str:
    """One syllable mistyped, never none."""
    places = [at for at, letter in enumerate(text) if is_syllable(letter)]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + perturb.typos(text[at], 1, rng) + text[at + 1 :]


_PERTURBATIONS: Mapping[str, Callable[[str, Random], str]] = {
    "one_typo": _one_typo,
    "typos": lambda text, rng: perturb.typos(text, _TYPO_RATE, rng),
    "without_spaces": lambda text, _: perturb.without_spaces(text),
    "odd_spaces": lambda text, rng: perturb.spacing(text, _SPACE_RATE, _SPACE_RATE, rng),
    "elongated": perturb.elongated,
}
