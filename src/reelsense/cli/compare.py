"""The command that sets models side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelsense.cli.options import (
    CorpusOnlyOption,
    JsonOption,
    console,
    learnable,
    print_json,
    progress_bar,
    say,
    training_progress,
)
from reelsense.settings import Settings


def compare(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="레시피(학습함), champion, 버전, bundled, 폴더; 없으면 등록된 별칭과 bundled / "
            "recipes to train, or models to load; default: the registry's aliases and bundled",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="결과 폴더; 기본 HOME/reports/comparison / folder of page and JSON")
    ] = None,
    corpus_only: CorpusOnlyOption = False,
    limit: Annotated[int, typer.Option(min=1, help="하나씩 재는 문장 수 / texts timed one by one")] = 500,
    no_mlflow: Annotated[bool, typer.Option("--no-mlflow", help="MLflow에 남기지 않음 / don't log the runs")] = False,
    as_json: JsonOption = False,
) -> None:
    """여러 모델을 같은 문장으로 재어 표 하나로 만듭니다. / Measure models on the same texts: one table and page."""
    from reelsense.pipelines.compare_models import compare_models, log_compared, usual_names
    from reelsense.registry.client import registry_client
    from reelsense.reporting.comparison import FILES, markdown, terminal_table, write_comparison
    from reelsense.training.recipes import list_recipes

    settings: Settings = context.obj.settings()
    if not no_mlflow:
        registry_client(settings)  # an MLflow that is away is told now, not after the trainings
    chosen = list(names or usual_names(settings))
    known = {recipe.name for recipe in list_recipes()} - {"bundled"}
    recipes: dict[str, Settings] = {name: context.obj.settings(name) for name in chosen if name in known}
    stored = learnable(settings, corpus_only)
    with progress_bar("compare", as_json) as bar:
        found = compare_models(chosen, settings, recipes, stored, limit, training_progress(bar))
    folder = out or settings.home / "reports" / "comparison"
    page = write_comparison(found, folder, settings.language)
    if not as_json:
        console().print(terminal_table(found, settings.language))
        console().print(say(settings, f"비교 페이지: {page}", f"comparison page: {page}"), markup=False)
    run = None
    if not no_mlflow:
        files = [folder / name for name in FILES]
        run = log_compared(settings, found, files, markdown(found, settings.language))
    if as_json:
        print_json({**found.as_dict(), "page": str(page), "run_id": run})
    elif run:
        console().print(say(settings, f"MLflow 실행: {run}", f"MLflow run: {run}"), markup=False)
