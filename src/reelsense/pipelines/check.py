"""Is the model well: one text, a batch of texts, and the service, each with what was seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, cast

from reelsense.errors import ModelError, ReelsenseError
from reelsense.models.base import Stepped, predict
from reelsense.models.fitness import LEAST_RIGHT, PLAIN_SENTENCES, check_fitness
from reelsense.pipelines.smoke import ask_service
from reelsense.registry.loading import served_model
from reelsense.settings import Settings

CheckName = Literal["single", "batch", "service"]
CHECKS: tuple[CheckName, ...] = ("single", "batch", "service")
_NAMES = {"single": ("문장 하나", "one text"), "batch": ("여러 문장", "batch"), "service": ("추론 서비스", "service")}
_BATCH = 256


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check saw, in the language of the settings."""

    name: str
    passed: bool
    found: str


def check_model(settings: Settings, name: CheckName) -> CheckResult:
    """Run one check; errors of the model, the registry or the service are its result."""
    title = _NAMES[name][0 if settings.language == "ko" else 1]
    try:
        found = {"single": _single, "batch": _batch, "service": _service}[name](settings)
    except ReelsenseError as error:
        return CheckResult(title, False, str(error))
    return CheckResult(title, True, found)


def _single(settings: Settings) -> str:
    chosen = served_model(settings)
    text = PLAIN_SENTENCES[0][0]
    begin = time.perf_counter()
    answer = predict(chosen.classifier, [text], settings.neutral_below)[0]
    milliseconds = 1000 * (time.perf_counter() - begin)
    label = answer.label.korean if settings.language == "ko" else answer.label.value
    model = f"v{chosen.classifier.version} ({chosen.origin})"
    return f"{model}: “{text}” → {label} {answer.confidence:.1%}, {milliseconds:.1f} ms"


def _batch(settings: Settings) -> str:
    classifier = served_model(settings).classifier
    check_fitness(cast(Stepped, classifier))
    texts = [f"{PLAIN_SENTENCES[i % len(PLAIN_SENTENCES)][0]} {i}" for i in range(_BATCH)]
    begin = time.perf_counter()
    answers = predict(classifier, texts, settings.neutral_below)
    rate = len(texts) / (time.perf_counter() - begin)
    right = sum(
        (answer.positive >= 0.5) == PLAIN_SENTENCES[i % len(PLAIN_SENTENCES)][1] for i, answer in enumerate(answers)
    )
    unit = "건/초" if settings.language == "ko" else "reviews/s"
    return f"v{classifier.version}: {right}/{len(texts)}, {rate:,.0f} {unit}"


def _service(settings: Settings) -> str:
    if not settings.links.api:
        return "links.api 미설정" if settings.language == "ko" else "links.api is not set"
    texts = [text for text, _ in PLAIN_SENTENCES]
    begin = time.perf_counter()
    version, positive = ask_service(settings, texts)
    milliseconds = 1000 * (time.perf_counter() - begin)
    right = sum((value >= 0.5) == good for value, (_, good) in zip(positive, PLAIN_SENTENCES, strict=True))
    found = f"v{version}: {right}/{len(texts)}, {milliseconds:.0f} ms"
    if right < LEAST_RIGHT:
        raise ModelError(found)
    return found
