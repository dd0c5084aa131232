"""Following the champion: a new version is fetched, loaded, checked and warmed beside the old one, then swapped in."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import cast

import structlog

from reelsense.errors import ReelsenseError, RegistryError
from reelsense.models.base import Classifier, Stepped
from reelsense.models.loading import load_bundled
from reelsense.registry.loading import (
    BUNDLED,
    load_version,
    open_any,
    registry_stamp,
    remember_served,
    served_model,
    serving_choice,
)
from reelsense.registry.versions import CANDIDATE, CHAMPION, ModelVersion, list_versions, pick
from reelsense.serving.engine import Engine
from reelsense.serving.metrics import Metrics
from reelsense.serving.warming import warm
from reelsense.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Following:
    """What serves and why, for `readyz`. `refused` maps versions that were not taken to the reason."""

    version: str = ""
    alias: str = ""
    origin: str = ""
    why: str = ""
    registry: str = "ok"
    refused: dict[str, str] = field(default_factory=dict)


class Follower:
    """Keeps an engine on the champion."""

    def __init__(self, settings: Settings, engine: Engine, metrics: Metrics) -> None:
        self._settings = settings
        self._engine = engine
        self._metrics = metrics
        self._state = Following()
        self._stamp: list[int] | None = None
        self._wake = asyncio.Event()
        self._one_check = asyncio.Lock()

    @property
    def state(self) -> Following:
        return self._state

    async def start(self) -> None:
        """Load what can be had: the champion, what was served last, or the bundled model. Raises ModelError."""
        self._stamp = registry_stamp(self._settings)
        name = self._settings.serving.model
        if name != CHAMPION:
            model, _ = await asyncio.to_thread(open_any, self._settings, name)
            await self._serve(model, Following(model.version, name, "fixed"))
            return
        served = await asyncio.to_thread(served_model, self._settings)
        state = Following(served.classifier.version, served.alias, served.origin, served.why)
        try:
            await self._serve(served.classifier, state)
        except ReelsenseError as error:
            self._metrics.swapped("refused")
            log.error("version_refused", model_version=state.version, error=str(error))
            bundled = load_bundled()
            refused = {state.version: str(error)}
            await self._serve(bundled, Following(bundled.version, BUNDLED, BUNDLED, "champion_refused", "ok", refused))
        if self._settings.serving.shadow_share:
            self._stamp = None  # so that the first look is a real one
            await self.check()

    async def run(self) -> None:
        """Look at the alias every few seconds, or when told to."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._settings.serving.follow_seconds)
            self._wake.clear()
            try:
                await self.check()
            except Exception as error:  # following must go on whatever one look met
                log.error("following_failed", error=repr(error))

    def look_now(self) -> None:
        """Don't wait for the next look."""
        self._wake.set()

    async def check(self) -> None:
        """One look: swap if another version should serve."""
        if self._settings.serving.model != CHAMPION:
            return
        async with self._one_check:
            stamp = registry_stamp(self._settings)
            if stamp is not None and stamp == self._stamp and self._state.registry == "ok":
                return
            try:
                versions = await asyncio.to_thread(list_versions, self._settings)
            except RegistryError as error:
                self._state = replace(self._state, registry=str(error))
                log.warning("registry_unavailable", error=str(error))
                return
            self._state = replace(self._state, registry="ok")
            self._stamp = stamp
            alias, choice = serving_choice(versions)
            if choice is not None:
                await self._follow(alias, choice)
            if self._settings.serving.shadow_share:
                candidate = pick(versions, CANDIDATE)
                await self._shadow(candidate if candidate != choice else None)

    async def _follow(self, alias: str, choice: ModelVersion) -> None:
        version = str(choice.version)
        if version == self._state.version:
            if self._state.alias != alias:
                self._state = replace(self._state, alias=alias)
                self._metrics.serves(version, alias, self._state.origin)
            return
        if version in self._state.refused:
            return
        try:
            model = await asyncio.to_thread(load_version, self._settings, choice)
            refused = {known: why for known, why in self._state.refused.items() if known != version}
            await self._serve(model, Following(version, alias, "registry", refused=refused))
        except RegistryError as error:
            # The object store may be away for a while: look again.
            self._state = replace(self._state, registry=str(error))
            log.warning("version_not_fetched", model_version=version, error=str(error))
            return
        except ReelsenseError as error:
            self._state = replace(self._state, refused={**self._state.refused, version: str(error)})
            self._metrics.swapped("refused")
            log.error("version_refused", model_version=version, serving=self._state.version, error=str(error))
            return
        self._metrics.swapped("taken")
        await asyncio.to_thread(remember_served, self._settings, choice, alias, self._stamp)

    async def _serve(self, classifier: Classifier, state: Following) -> None:
        model = cast(Stepped, classifier)
        speed = await asyncio.to_thread(warm, model)
        await self._engine.swap(model, speed)
        self._state = state
        self._metrics.serves(state.version, state.alias, state.origin)
        log.info(
            "model_serves",
            model_version=state.version,
            alias=state.alias,
            origin=state.origin,
            tokens_per_second=round(speed),
        )

    async def _shadow(self, candidate: ModelVersion | None) -> None:
        version = str(candidate.version) if candidate else None
        if version == self._engine.shadow_version:
            return
        if candidate is None:
            await self._engine.set_shadow(None)
            return
        try:
            model = cast(Stepped, await asyncio.to_thread(load_version, self._settings, candidate))
            await self._engine.set_shadow(model, await asyncio.to_thread(warm, model))
        except ReelsenseError as error:
            await self._engine.set_shadow(None)
            log.warning("candidate_not_shadowed", model_version=version, error=str(error))
