"""After a promotion: does the new champion really work where it serves?"""

from __future__ import annotations

import time
from typing import Any, cast

import requests
import structlog

from reelsense.documents.json_text import parse_json
from reelsense.errors import Conflict, ModelError, ReelsenseError, RegistryError, ServiceAway
from reelsense.models.base import Classifier, Stepped, predict
from reelsense.models.fitness import PLAIN_SENTENCES, check_fitness
from reelsense.registry.loading import load_version
from reelsense.registry.versions import CHAMPION, ModelVersion, archive, find_version, roll_back
from reelsense.settings import Settings

log = structlog.get_logger()

ANSWER_SECONDS = 20.0
# Beyond the time in which a service looks for a new champion, it has to fetch and warm it.
_FETCH_SECONDS = 60.0
_TOLERANCE = 1e-3
# An object store may stumble; one that does so for longer keeps the service from the version, too.
_FETCHES = 3
_BETWEEN_FETCHES = 5.0


def smoke_check(settings: Settings, version: int) -> str:
    """Load a version from the registry, try it on plain sentences, and ask the service for it where there is one.

    Returns where it was seen to work. Raises ModelError or RegistryError when the version is not fit to serve, and
    ServiceAway when the service does not answer, which says nothing about the version.
    """
    found = find_version(settings, version)
    if found is None:
        raise RegistryError(f"There is no version {version} to check.")
    classifier = _load(settings, found)
    check_fitness(cast(Stepped, classifier))
    if not settings.links.api:
        return "registry"
    texts = [text for text, _ in PLAIN_SENTENCES]
    wanted = [answer.positive for answer in predict(classifier, texts, settings.neutral_below)]
    for text, value, served in zip(texts, wanted, _served(settings, str(version), texts), strict=True):
        if abs(served - value) > _TOLERANCE:
            raise ModelError(f"The service scores '{text}' otherwise than version {version} does here.")
    return "registry, service"


def withdraw(settings: Settings, version: int) -> ModelVersion | None:
    """Take a champion that does not work out of service; returns the one that serves instead, if there is one."""
    try:
        champion: ModelVersion | None = roll_back(settings, leaving=version)
    except Conflict:  # it is none any more, or nothing else could serve: then it can't be archived either
        champion = find_version(settings, CHAMPION)
    archive(settings, version)  # so that no later roll-back returns to it
    log.error("champion_withdrawn", model_version=version, champion=champion.version if champion else None)
    return champion


def ask_service(settings: Settings, texts: list[str]) -> tuple[str, list[float]]:
    """The version that the service answers with, and the probability of positive of each text.

    Raises ServiceAway when it does not answer, ModelError when its model fails.
    """
    served = _ask(settings, "POST", "v1/predict", {"texts": texts})
    try:
        positive = [float(row["probabilities"]["positive"]) for row in served["results"]]
        version = str(served["model_version"])
    except (KeyError, TypeError, ValueError):
        positive, version = [], ""
    if len(positive) != len(texts):
        raise _other_form(settings)
    return version, positive


def _served(settings: Settings, version: str, texts: list[str]) -> list[float]:
    """The service's probabilities of positive once it serves `version`.

    Raises ModelError when it refuses the version, fails with it or takes too long to serve it, and ServiceAway when it
    does not answer in that time.
    """
    until = time.monotonic() + settings.serving.follow_seconds + _FETCH_SECONDS
    failed: ReelsenseError
    while True:
        try:
            state = _ask(settings, "GET", "readyz")
            serving = state.get("version")
            if serving == version:
                serving, positive = ask_service(settings, texts)  # which another process may answer
                if serving == version:
                    return positive
            refused = state.get("refused")
            if isinstance(refused, dict) and version in refused:
                raise ModelError(f"The service refuses version {version}: {refused[version]}")
            failed = ModelError(f"The service still serves version {serving}, not {version}.")
        except ServiceAway as error:
            failed = error
        if time.monotonic() > until:
            raise failed
        time.sleep(1.0)


def _load(settings: Settings, found: ModelVersion) -> Classifier:
    for _ in range(_FETCHES - 1):
        try:
            return load_version(settings, found)
        except RegistryError as error:
            log.warning("version_not_fetched", model_version=found.version, error=str(error))
            time.sleep(_BETWEEN_FETCHES)
    return load_version(settings, found)


def _ask(settings: Settings, method: str, path: str, body: object = None) -> dict[str, Any]:
    key = settings.links.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key is not None else {}
    url = f"{settings.links.api.rstrip('/')}/{path}"
    try:
        answer = requests.request(method, url, json=body, headers=headers, timeout=ANSWER_SECONDS)
        found = parse_json(answer.content)
    except (requests.RequestException, ValueError) as error:
        raise ServiceAway(f"The inference service at {url} does not answer: {error}") from error
    if not isinstance(found, dict):
        raise _other_form(settings)
    # One that is not ready says so with 503 and its state.
    if not answer.ok and "ready" not in found:
        # A key that is not known or a service at its limit says nothing about a version.
        kind = ModelError if str(found.get("type")).endswith(":model-failed") else ServiceAway
        raise kind(f"The inference service at {url} refuses: {answer.status_code} {found.get('detail', '')}")
    return found


def _other_form(settings: Settings) -> ServiceAway:
    return ServiceAway(f"What answers at {settings.links.api} is not the inference service: check links.api.")
