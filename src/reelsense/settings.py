"""All configuration in one validated object, read once at the edge.

Precedence, highest first: explicit overrides (`--set key=value`), environment (`REELSENSE_…`, `__` between levels),
`.env`, the training recipe `configs/NAME.yaml`, the defaults here, which are the embedded mode: SQLite, a local
folder as object store, the bundled baseline.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableValue

from reelsense.documents.yaml_text import parse_yaml
from reelsense.dotted import flat_keys, nested
from reelsense.errors import SettingsError
from reelsense.sections import (
    AutomationSettings,
    BackupSettings,
    CrawlSettings,
    DatasetSettings,
    LinkSettings,
    ModelSettings,
    MonitoringSettings,
    PageSettings,
    RetrainSettings,
    ServingSettings,
    SlackSettings,
    StudioSettings,
    TrainingSettings,
)

PREFIX = "REELSENSE_"
# Values of keys with these words never stand in an error.
_NOT_SHOWN = ("secret", "salt", "client_id", "url", "uri", "bot_token", "api_key", "password", "databases")
# Mappings from any source's name, whose own keys are not checked.
_FREE = ("crawl.base_urls", "crawl.films", "crawl.schedule", "studio.prices", "backup.databases", "backup.folders")
ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Everything reelsense can be told."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=".env", extra="forbid", validate_default=True
    )

    home: Path = Field(Path(".reelsense"), description="folder of everything reelsense keeps in embedded mode")
    language: Literal["ko", "en"] = Field("ko", description="of commands, reports and messages")
    recipe: str = Field("baseline", description="file in configs/ without .yaml")
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL; default sqlite in HOME")
    mlflow_tracking_uri: str | None = Field(None, description="default sqlite in HOME")
    mlflow_artifacts: str | None = Field(None, description="folder or s3://bucket/prefix; default HOME/artifacts")
    object_store: str | None = Field(None, description="folder or s3://bucket/prefix of snapshots and exports")
    registered_model: str = Field("reelsense", description="name of the model in MLflow's registry")
    morphemes: Literal["kiwi", "okt"] = Field("kiwi", description="analyser of words in reports; okt needs Java")
    neutral_below: float = Field(0.7, ge=0.5, le=1, description="top probability under which the answer is 중립")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least serious lines that are logged; commands log warnings where it is not set"
    )
    log_format: Literal["console", "json"] = Field("console", description="for people, or a JSON object a line")

    dataset: DatasetSettings = DatasetSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    crawl: CrawlSettings = CrawlSettings()
    retrain: RetrainSettings = RetrainSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    serving: ServingSettings = ServingSettings()
    automation: AutomationSettings = AutomationSettings()
    backup: BackupSettings = BackupSettings()
    slack: SlackSettings = SlackSettings()
    studio: StudioSettings = StudioSettings()
    links: LinkSettings = LinkSettings()
    page: PageSettings = PageSettings()

    @property
    def embedded(self) -> bool:
        """Whether everything is kept on this machine alone, for one person."""
        return self.database_url is None

    @property
    def log_level_of_commands(self) -> str:
        """Warnings alone, unless a level was asked for: what a command does, it says itself."""
        return self.log_level if "log_level" in self.model_fields_set else "WARNING"

    @property
    def resolved_database_url(self) -> str:
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.home / 'reelsense.db').absolute()}"

    @property
    def resolved_tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or f"sqlite:///{(self.home / 'mlflow.db').absolute()}"

    @property
    def resolved_artifacts(self) -> str:
        return self.mlflow_artifacts or str((self.home / "artifacts").absolute())

    @property
    def resolved_object_store(self) -> str:
        return self.object_store or str((self.home / "objects").absolute())

    @property
    def corpus_folder(self) -> Path:
        return self.dataset.folder or self.home / "nsmc"


def load_settings(
    recipe: str | None = None, overrides: Mapping[str, Any] | None = None, env_file: Path | None = Path(".env")
) -> Settings:
    """Read everything once. `overrides` maps dotted keys (`training.epochs`) to values.

    Raises SettingsError for an unknown key (naming its nearest neighbour), a bad value or a missing recipe.
    """
    environment = _environment(env_file)
    for name in environment:
        _check_key(name.removeprefix(PREFIX).lower().replace("__", "."), f"environment variable {name}")
    for key in overrides or {}:
        _check_key(key, "--set")
    name = (
        recipe
        or (overrides or {}).get("recipe")
        or environment.get(f"{PREFIX}RECIPE")
        or Settings.model_fields["recipe"].default
    )
    values = read_recipe(name)
    explicit = nested({**(overrides or {}), "recipe": name})

    class Loaded(Settings):
        """Settings with the recipe as the source of least precedence."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by the checked environment
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (
                init_settings,
                _Environment(settings_cls, environment),
                InitSettingsSource(settings_cls, init_kwargs=values),
            )

    try:
        return Loaded(**explicit)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except UnreadableValue as error:  # its cause quotes the value, which may be a secret
        raise SettingsError(f'{error}: JSON is expected, such as {{"megabox": "…"}}.') from None


def recipe_folder() -> Path:
    """`configs/` beside the source, or in the working directory when the package is installed elsewhere."""
    beside = ROOT / "configs"
    return beside if beside.is_dir() else Path("configs")


def read_recipe(name: str) -> dict[str, Any]:
    """The values of `configs/NAME.yaml`, checked against the known keys."""
    known = {path.stem: path for path in sorted(recipe_folder().glob("*.yaml"))}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise SettingsError(f"recipe '{name}' is not in {recipe_folder()}{hint} Known: {', '.join(known) or 'none'}.")
    try:
        values = parse_yaml(known[name].read_text(encoding="utf-8")) or {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{known[name]}: not YAML: {error}") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{known[name]}: expected keys and values, found {type(values).__name__}.")
    for key in flat_keys(values, _FREE):
        _check_key(key, str(known[name]))
    return values


def with_recipe(settings: Settings, name: str) -> Settings:
    """The same settings with the model, the training and the data set's keys of another recipe."""
    values = read_recipe(name)
    try:
        return settings.model_copy(
            update={
                "recipe": name,
                "dataset": DatasetSettings(**{**settings.dataset.model_dump(), **values.get("dataset", {})}),
                "model": ModelSettings(**values.get("model", {})),
                "training": TrainingSettings(**values.get("training", {})),
            }
        )
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def s3_endpoint() -> str | None:
    """The S3 server that the environment names, where it is not AWS's; MLflow's own variable counts last."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every dotted key that can be set, sections' keys expanded."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def secrets_of(model: BaseModel) -> Iterator[str]:
    """The values of all secret settings."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from secrets_of(value)
        elif isinstance(value, Mapping):
            yield from (one.get_secret_value() for one in value.values() if isinstance(one, SecretStr))
        elif isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()


class _Environment(EnvSettingsSource):
    """pydantic-settings' environment source over a mapping already merged from `.env` and the process."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._values


def _environment(env_file: Path | None) -> dict[str, str]:
    merged: dict[str, str | None] = {}
    if env_file is not None and env_file.is_file():
        try:
            merged.update(dotenv_values(env_file))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{env_file} can't be read: {error}") from None
    merged.update(os.environ)
    return {name: value for name, value in merged.items() if name.startswith(PREFIX) and value}


def _check_key(key: str, where: str) -> None:
    keys = set(known_keys())
    # A key of a free mapping (crawl.base_urls.megabox) is known by its parent.
    if key in keys or key.rpartition(".")[0] in _FREE:
        return
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.0)[0]
    raise SettingsError(f"{where}: unknown key '{key}'; the nearest is '{near}'.")


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        shown = "" if any(word in key for word in _NOT_SHOWN) else f" (got {problem.get('input')!r})"
        lines.append(f"{key}: {problem['msg']}{shown}")
    return "; ".join(lines)
