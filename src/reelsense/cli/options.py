"""What every command shares: settings read once, output for people or as JSON, progress."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from reelsense.documents.yaml_text import parse_yaml
from reelsense.errors import InputError, SettingsError
from reelsense.logs import configure_logs
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database
from reelsense.store.labels import trainable_texts
from reelsense.training.result import Progress as TrainingProgress
from reelsense.types import LabelledText

JsonOption = Annotated[bool, typer.Option("--json", help="JSON으로 출력 / print JSON")]
CorpusOnlyOption = Annotated[bool, typer.Option(help="저장된 리뷰는 쓰지 않음 / leave the store out")]


@dataclass(slots=True)
class Options:
    """The command line's overrides; hands out the settings."""

    overrides: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, recipe: str | None = None, more: Mapping[str, Any] | None = None) -> Settings:
        """Settings with the overrides of the command line; sets up logging as they say."""
        settings = load_settings(recipe, {**self.overrides, **(more or {})})
        configure_logs(settings.log_level_of_commands, settings.log_format)
        return settings


def pairs(given: Sequence[str] | None, option: str, expected: str) -> dict[str, str]:
    """`name=value` words of a repeated option. Raises InputError; the value, maybe a password, is not in it."""
    found = {}
    for word in given or ():
        name, mark, value = word.partition("=")
        if not (name and mark and value):
            raise InputError(f"{option} {name}: expected {expected}")
        found[name] = value
    return found


def parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` pairs; values are read as YAML does, so that lists and numbers can be given."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark:
            raise SettingsError(f"--set {pair}: expected KEY=VALUE.")
        try:
            found[key.strip()] = parse_yaml(value) if value else ""
        except ValueError:  # `@daily`, say, which YAML keeps for itself
            found[key.strip()] = value
    return found


@contextmanager
def store(settings: Settings) -> Iterator[Database]:
    """The review store, closed at the end."""
    database = open_database(settings.resolved_database_url)
    try:
        yield database
    finally:
        database.close()


def learnable(settings: Settings, corpus_only: bool) -> list[LabelledText]:
    """The stored texts that may be learned from; none with --corpus-only, which leaves the store alone."""
    if corpus_only:
        return []
    with store(settings) as database, database.connect() as connection:
        return trainable_texts(connection, settings.dataset.person_weight)


def console() -> Console:
    """Where people read."""
    return Console(highlight=False)


def print_json(value: Any) -> None:
    """A result as one JSON document on standard output."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2, default=str))


def say(settings: Settings, korean: str, english: str) -> str:
    """The sentence in the language of the settings."""
    return korean if settings.language == "ko" else english


@contextmanager
def progress_bar(title: str, quiet: bool = False) -> Iterator[Progress]:
    """A bar on standard error; none when `quiet` or not a terminal."""
    error = Console(stderr=True)
    said = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), said, BarColumn(), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, TimeElapsedColumn(), console=error, disable=quiet or not error.is_terminal) as bar:
        bar.add_task(title, total=None)
        yield bar


def training_progress(bar: Progress) -> TrainingProgress:
    """Draws what a trainer reports on the first task of a bar."""
    task = bar.task_ids[0]

    def report(event: str, numbers: Mapping[str, float]) -> None:
        shown = ", ".join(f"{key} {value:.4g}" for key, value in numbers.items() if key not in ("step", "steps"))
        bar.update(
            task,
            completed=numbers.get("step", 0),
            total=numbers.get("steps"),
            description=f"{event} {shown}".strip(),
        )

    return report


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(found) for key, found in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(found) for found in value]
    return value
