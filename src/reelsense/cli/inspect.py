"""Commands that look: doctor, runs, settings; and fetch, which brings the corpus."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from reelsense.cli.options import JsonOption, console, print_json, say, store
from reelsense.errors import installing
from reelsense.printable import cell
from reelsense.reporting.words import words
from reelsense.settings import Settings, known_keys
from reelsense.types import korean_minute


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is there, missing, or missing and needed."""

    name: str
    state: str  # ok, missing (an option), broken (something asked for does not work)
    found: str
    cure: str = ""


def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """무엇이 준비되었고 무엇이 빠졌는지 알려 줍니다. / Say what is there, what is missing, and how to get it."""
    settings: Settings = context.obj.settings()
    checks = [
        _python(),
        _database(settings),
        _model(settings),
        _corpus(settings),
        _registry(settings),
        *(_package(*each) for each in _PACKAGES),
        _java(),
        _sources(settings),
    ]
    if as_json:
        print_json(checks)
    else:
        marks = {"ok": "[green]✓[/]", "missing": "[yellow]–[/]", "broken": "[red]✗[/]"}
        table = Table("", say(settings, "항목", "part"))
        for name in (say(settings, "상태", "found"), say(settings, "방법", "cure")):
            table.add_column(name, overflow="fold")  # half a command is no cure
        for check in checks:
            table.add_row(marks[check.state], cell(check.name), cell(check.found), cell(check.cure))
        console().print(table)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


def runs(context: typer.Context, limit: int = 20, as_json: JsonOption = False) -> None:
    """최근 작업들 / the latest pipeline runs"""
    from reelsense.store.runs import latest_runs

    settings = context.obj.settings()
    with store(settings) as db, db.connect() as connection:
        found = latest_runs(connection, limit=limit)
    if as_json:
        print_json(found)
        return
    said = words(settings.language)
    table = Table("#", said["pipeline"], said["status"], said["started"], "", said["message"])
    for run in found:
        # What is measured in detail, --json and the page show.
        counts = ", ".join(f"{key} {value}" for key, value in run.counts.items() if not isinstance(value, dict))
        begun = korean_minute(run.started_at)
        table.add_row(str(run.id), run.pipeline, run.status, begun, cell(counts), cell(run.message))
    console().print(table)


def settings(context: typer.Context, as_json: JsonOption = False) -> None:
    """적용된 설정 / the settings in force"""
    from reelsense.registry.client import shown_uri

    found: Settings = context.obj.settings()
    values = found.model_dump(mode="json")
    values["mlflow_tracking_uri"] = found.mlflow_tracking_uri and shown_uri(found)  # a password may stand in it
    if as_json:
        print_json(values)
        return
    for key in known_keys():
        value: Any = values
        for part in key.split("."):
            value = value[part]
        console().print(f"{key} = {value}", markup=False)


def fetch(context: typer.Context) -> None:
    """NSMC 말뭉치를 내려받습니다 (체크섬 확인). / Download the NSMC corpus and check it."""
    from reelsense.sources.nsmc import ensure_corpus

    found: Settings = context.obj.settings()
    folder = ensure_corpus(found.corpus_folder)
    console().print(say(found, f"말뭉치: {folder}", f"corpus: {folder}"), markup=False)


_PACKAGES = (
    ("torch + transformers", ("torch", "transformers", "onnx", "onnxruntime"), "train"),
    ("Optuna", ("optuna",), "train"),
    ("ONNX Runtime", ("onnxruntime", "tokenizers"), "onnx"),
    ("API", ("uvicorn", "prometheus_client", "python_multipart"), "api"),
    ("KoNLPy", ("konlpy",), "okt"),
    ("S3", ("boto3",), "s3"),
    ("PostgreSQL", ("psycopg",), "postgres"),
    ("Airflow", ("airflow",), "airflow"),
    ("Slack", ("slack_sdk",), "slack"),
)


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 11):
        return Check("Python", "ok", found)
    return Check("Python", "broken", found, "use Python 3.11")


def _database(settings: Settings) -> Check:
    from reelsense.errors import StoreError
    from reelsense.store.reviews import count_reviews

    try:
        with store(settings) as db, db.connect() as connection:
            return Check("review store", "ok", f"{db.url_shown}: {count_reviews(connection):,} reviews")
    except StoreError as error:
        return Check("review store", "broken", str(error), "check REELSENSE_DATABASE_URL")


def _model(settings: Settings) -> Check:
    from reelsense.errors import ReelsenseError
    from reelsense.registry.loading import serving_model

    try:
        model = serving_model(settings)
    except ReelsenseError as error:
        return Check("model", "broken", str(error), "reinstall reelsense")
    return Check("model", "ok", f"{model.name} {model.version}")


def _corpus(settings: Settings) -> Check:
    from reelsense.training.data import TRAIN_FILE
    from reelsense.training.sealed import TEST_FILE

    folder = settings.corpus_folder
    missing = [name for name in (TRAIN_FILE, TEST_FILE) if not (folder / name).is_file()]
    if not missing:
        return Check("NSMC corpus", "ok", str(folder))
    return Check("NSMC corpus", "missing", f"{folder}: no {', '.join(missing)}", "reelsense fetch")


def _registry(settings: Settings) -> Check:
    from reelsense.errors import RegistryError
    from reelsense.registry.versions import list_versions

    try:
        versions = list_versions(settings)
    except RegistryError as error:
        return Check("MLflow", "broken", str(error), "check REELSENSE_MLFLOW_TRACKING_URI")
    return Check("MLflow", "ok", f"{len(versions)} versions")


def _package(name: str, modules: tuple[str, ...], extra: str) -> Check:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return Check(name, "ok", ", ".join(modules))
    return Check(name, "missing", f"no {', '.join(missing)}", installing(extra))


def _java() -> Check:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java") or (home and shutil.which("java", path=str(Path(home) / "bin")))
    if found:
        return Check("Java (Okt)", "ok", found)
    return Check("Java (Okt)", "missing", "no java", "apt install default-jre-headless")


def _sources(settings: Settings) -> Check:
    from reelsense.errors import StoreError
    from reelsense.sources.sites import ALLOWING, SITE_NAMES, allowed_by
    from reelsense.store.switches import switched_off

    allowed = [name for name in SITE_NAMES if allowed_by(name, settings)]
    if not allowed:
        return Check("sources", "missing", "none is on", f"{ALLOWING}=megabox, or reelsense devsite")
    try:
        with store(settings) as db, db.connect() as connection:
            off = switched_off(connection)
    except StoreError:  # said above, of the store
        off = frozenset()
    found = ", ".join(f"{name} (switched off)" if name in off else name for name in allowed)
    if off.issuperset(allowed):
        return Check("sources", "missing", found, "관리 > 출처, PUT /v1/sources/SOURCE")
    return Check("sources", "ok", found)
