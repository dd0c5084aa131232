"""The versions of the registered model and who is champion.

Every change is a chain of alias writes whose order never leaves the registry without a champion, and which can be
repeated after a kill at any point. Chains of processes that share a home wait for each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from reelsense.errors import Conflict, NotThere, RegistryError
from reelsense.registry.client import registry_client, runs_by_id, sqlite_path, translated
from reelsense.registry.locks import alone
from reelsense.registry.tracking import DATA_TAG, DIGEST_TAG, KEY_TAG, RECIPE_TAG
from reelsense.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = structlog.get_logger()

CHAMPION = "champion"
CANDIDATE = "candidate"
PREVIOUS = "previous"
ALIASES = (CHAMPION, CANDIDATE, PREVIOUS)

_ALIASES = "aliases"
_ARCHIVED_TAG = "reelsense.archived"
# Set on the registered model while a roll-back swaps its two aliases, so that a repeated one finishes it.
_ROLL_BACK_TAG = "reelsense.rolling_back"
_SWAP = re.compile(r"(\d{1,9})>(\d{1,9})")
_MOST_VERSIONS = 10_000


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version. `metrics` are those of its run (`test/macro_f1` …); `digest` is of its model folder."""

    version: int
    aliases: tuple[str, ...]
    metrics: Mapping[str, float]
    key: str
    data_version: str
    recipe: str
    run_id: str
    created: datetime
    archived: bool
    source: str
    digest: str

    @property
    def macro_f1(self) -> float | None:
        """On the sealed test, else on the newest reviews, else on validation data."""
        return self._headline("macro_f1")

    @property
    def accuracy(self) -> float | None:
        """On the same set as `macro_f1`."""
        return self._headline("accuracy")

    def _headline(self, metric: str) -> float | None:
        for name in ("test", "newest", "validation"):
            if f"{name}/macro_f1" in self.metrics:
                return self.metrics.get(f"{name}/{metric}")
        return None


def list_versions(settings: Settings) -> list[ModelVersion]:
    """All versions, newest first. An embedded registry that nobody has written to has none; asking does not make it."""
    database = sqlite_path(settings)
    if database is not None and not database.is_file():
        return []
    client = registry_client(settings)
    with translated(settings):
        return _versions(client, settings)


def find_version(settings: Settings, alias_or_version: str | int) -> ModelVersion | None:
    """The version of an alias, of a number, or `latest` (the newest that is not archived); None if there is none."""
    return pick(list_versions(settings), alias_or_version)


def pick(versions: Iterable[ModelVersion], alias_or_version: str | int) -> ModelVersion | None:
    """`find_version` in a list, newest first."""
    wanted = str(alias_or_version)
    for found in versions:
        if wanted in found.aliases or wanted == str(found.version) or (wanted == "latest" and not found.archived):
            return found
    return None


def register(settings: Settings, run_id: str, key: str) -> ModelVersion:
    """Make the model of a finished run a version; the version of `key` is returned if there already is one."""
    client = registry_client(settings)
    with translated(settings), alone(settings, _ALIASES):
        known = _with_key(client, settings, key)
        if known is not None:
            return known
        run = client.get_run(run_id)
        outputs = run.outputs.model_outputs if run.outputs else []
        if run.info.status != "FINISHED" or not outputs:
            raise RegistryError(f"Run {run_id} is {run.info.status} and can't be registered: log it again.")
        _ensure_registered_model(client, settings)
        model = client.get_logged_model(outputs[0].model_id)
        tags = run.data.tags
        kept = {name: tags.get(name, "") for name in (RECIPE_TAG, DATA_TAG, DIGEST_TAG)}
        # The artifacts' place and not `models:/ID`: the database store would look that up in the global tracking URI.
        # The tags come with the version in one transaction, so a version without its key can't be.
        client.create_model_version(
            settings.registered_model,
            model.artifact_location,
            run_id=run_id,
            model_id=model.model_id,
            tags={KEY_TAG: key, **kept},
            description=f"{kept[RECIPE_TAG]} · data {kept[DATA_TAG]}",
        )
        made = _with_key(client, settings, key)
        if made is None:
            raise RegistryError(f"The version of run {run_id} vanished while it was registered: try again.")
        log.info("version_registered", model_version=made.version, run=run_id, key=key)
        return made


def promote(settings: Settings, version: int) -> ModelVersion:
    """Make `version` the champion; the old champion becomes `previous`. Promoting the champion changes nothing."""
    client = registry_client(settings)
    with translated(settings), alone(settings, _ALIASES):
        _require(client, settings, version)
        name = settings.registered_model
        _set_archived(client, settings, version, False)
        client.delete_registered_model_tag(name, _ROLL_BACK_TAG)
        aliases = _aliases(client, settings)
        old = aliases.get(CHAMPION)
        if old != version:
            if old is not None:
                client.set_registered_model_alias(name, PREVIOUS, str(old))
            client.set_registered_model_alias(name, CHAMPION, str(version))
        _drop(client, settings, CANDIDATE, version)
        _drop(client, settings, PREVIOUS, version)
        log.info("version_promoted", model_version=version, previous=old)
        return _require(client, settings, version)


def make_candidate(settings: Settings, version: int) -> ModelVersion:
    """Give `version` the alias `candidate`. A champion hands over to `previous` first.

    Raises Conflict for a champion without a previous one: something must serve.
    """
    client = registry_client(settings)
    with translated(settings), alone(settings, _ALIASES):
        _require(client, settings, version)
        name = settings.registered_model
        aliases = _aliases(client, settings)
        if aliases.get(CHAMPION) == version:
            heir = aliases.get(PREVIOUS)
            if heir is None or heir == version:
                raise Conflict(
                    f"Version {version} is the champion and no previous one can take over: promote another first."
                )
            client.delete_registered_model_tag(name, _ROLL_BACK_TAG)
            client.set_registered_model_alias(name, CHAMPION, str(heir))
        client.set_registered_model_alias(name, CANDIDATE, str(version))
        champion = _aliases(client, settings).get(CHAMPION)
        if champion is not None:
            _drop(client, settings, PREVIOUS, champion)
        _set_archived(client, settings, version, False)
        log.info("version_made_candidate", model_version=version)
        return _require(client, settings, version)


def archive(settings: Settings, version: int) -> ModelVersion:
    """Set `version` aside: it loses its aliases and is never served as `latest`. Raises Conflict for the champion."""
    client = registry_client(settings)
    with translated(settings), alone(settings, _ALIASES):
        _require(client, settings, version)
        if _aliases(client, settings).get(CHAMPION) == version:
            raise Conflict(
                f"Version {version} is the champion and can't be archived: promote another or roll back first."
            )
        client.delete_registered_model_tag(settings.registered_model, _ROLL_BACK_TAG)
        _set_archived(client, settings, version, True)
        _drop(client, settings, CANDIDATE, version)
        _drop(client, settings, PREVIOUS, version)
        log.info("version_archived", model_version=version)
        return _require(client, settings, version)


def roll_back(settings: Settings, leaving: int | None = None) -> ModelVersion:
    """Swap `previous` and `champion`, and return the new champion. A swap cut short by a kill is finished instead.

    Raises Conflict when there is no previous version, or `leaving` is not the champion: somebody has left it before.
    """
    client = registry_client(settings)
    with translated(settings), alone(settings, _ALIASES):
        name = settings.registered_model
        model = _registered_model(client, settings)
        begun = _SWAP.fullmatch(model.tags.get(_ROLL_BACK_TAG, "")) if model else None
        aliases = _aliases(client, settings)
        champion = aliases.get(CHAMPION)
        old, new = (int(begun[1]), int(begun[2])) if begun else (champion, aliases.get(PREVIOUS))
        if leaving not in (None, old, champion):
            raise Conflict(f"Version {leaving} is not the champion ({champion or 'none'} is): nothing to roll back.")
        if old is None or new is None or old == new:
            raise Conflict("There is no previous champion to roll back to: promote a version instead.")
        client.set_registered_model_tag(name, _ROLL_BACK_TAG, f"{old}>{new}")
        client.set_registered_model_alias(name, CHAMPION, str(new))
        client.set_registered_model_alias(name, PREVIOUS, str(old))
        _drop(client, settings, CANDIDATE, new)
        client.delete_registered_model_tag(name, _ROLL_BACK_TAG)
        log.info("champion_rolled_back", model_version=new, previous=old)
        return _require(client, settings, new)


def _versions(client: MlflowClient, settings: Settings, condition: str = "") -> list[ModelVersion]:
    filter_ = f"name = '{settings.registered_model}'{condition}"
    rows: list[Any] = list(client.search_model_versions(filter_, max_results=_MOST_VERSIONS))
    aliases = _aliases(client, settings) if rows else {}
    runs = runs_by_id(client, (row.run_id for row in rows))
    versions = [_version(row, aliases, runs.get(str(row.run_id))) for row in rows]
    return sorted(versions, key=lambda found: -found.version)


def _version(row: Any, aliases: Mapping[str, int], run: Any) -> ModelVersion:
    number = int(row.version)
    return ModelVersion(
        version=number,
        aliases=tuple(alias for alias in aliases if aliases[alias] == number),
        metrics={name: float(value) for name, value in run.data.metrics.items()} if run else {},
        key=row.tags.get(KEY_TAG, ""),
        data_version=row.tags.get(DATA_TAG, ""),
        recipe=row.tags.get(RECIPE_TAG, ""),
        run_id=str(row.run_id),
        created=datetime.fromtimestamp(row.creation_timestamp / 1000, UTC),
        archived=row.tags.get(_ARCHIVED_TAG) == "true",
        source=str(row.source),
        digest=row.tags.get(DIGEST_TAG, ""),
    )


def _with_key(client: MlflowClient, settings: Settings, key: str) -> ModelVersion | None:
    found = _versions(client, settings, f" and tags.`{KEY_TAG}` = '{key}'")
    return found[-1] if found else None


def _require(client: MlflowClient, settings: Settings, version: int) -> ModelVersion:
    found = _versions(client, settings)
    for one in found:
        if one.version == version:
            return one
    known = ", ".join(str(one.version) for one in found) or "none"
    raise NotThere(f"There is no version {version} of '{settings.registered_model}'. Known: {known}.")


def _registered_model(client: MlflowClient, settings: Settings) -> Any | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(settings.registered_model)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _aliases(client: MlflowClient, settings: Settings) -> dict[str, int]:
    model = _registered_model(client, settings)
    return {str(alias): int(version) for alias, version in sorted(model.aliases.items())} if model else {}


def _ensure_registered_model(client: MlflowClient, settings: Settings) -> None:
    from mlflow.exceptions import MlflowException

    if _registered_model(client, settings) is not None:
        return
    try:
        client.create_registered_model(settings.registered_model, description="Sentiment of Korean film reviews")
    except MlflowException as error:
        # Another process was faster.
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _set_archived(client: MlflowClient, settings: Settings, version: int, archived: bool) -> None:
    if archived:
        client.set_model_version_tag(settings.registered_model, str(version), _ARCHIVED_TAG, "true")
    elif _require(client, settings, version).archived:
        client.delete_model_version_tag(settings.registered_model, str(version), _ARCHIVED_TAG)


def _drop(client: MlflowClient, settings: Settings, alias: str, version: int) -> None:
    """Take `alias` away if it is on `version`."""
    if _aliases(client, settings).get(alias) == version:
        client.delete_registered_model_alias(settings.registered_model, alias)
