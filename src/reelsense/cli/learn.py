"""Commands about models: train, retrain, evaluate, models."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
    store,
    training_progress,
)
from reelsense.errors import InputError

RecipeOption = Annotated[str | None, typer.Option(help="configs/의 레시피 / a recipe of configs/")]

models = typer.Typer(
    invoke_without_command=True,
    help="모델 버전: 인자 없이 대화형으로. / Model versions; a dialog without arguments.",
)


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="모델 폴더 / where the model folder goes")],
    recipe: RecipeOption = None,
    corpus_only: CorpusOnlyOption = False,
    processes: Annotated[
        int, typer.Option(min=1, help="이 컴퓨터의 프로세스 수, GPU마다 하나 / processes here, one a GPU")
    ] = 1,
    noise: Annotated[
        bool, typer.Option("--noise", help="오타·띄어쓰기 잡음에서도 재기 / measure under typos and the like, too")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """레시피대로 학습만 합니다 (등록은 retrain). / Train a recipe into a folder, without registry and gate."""
    from reelsense.models.loading import load_folder, read_facts
    from reelsense.pipelines.distil import taught
    from reelsense.training.card import model_card
    from reelsense.training.data import build_dataset
    from reelsense.training.evaluate import evaluate as measure
    from reelsense.training.findings import examine
    from reelsense.training.processes import launch, number_of_processes, rank
    from reelsense.training.sealed import open_sealed
    from reelsense.training.trainers import check_processes
    from reelsense.training.trainers import train as run

    # Of several processes one speaks.
    settings = context.obj.settings(recipe, {"log_level": "ERROR"} if rank() > 0 else None)
    check_processes(settings, processes)
    if processes > 1 and number_of_processes() == 1:
        raise typer.Exit(launch(processes, _without_processes(sys.argv[1:])))
    stored = learnable(settings, corpus_only)
    dataset = taught(build_dataset(settings, stored), settings)
    with progress_bar(settings.recipe, as_json or rank() > 0) as bar:
        trained = run(dataset, settings, out, training_progress(bar))
    if rank() > 0:
        return
    evaluations = {"validation": trained.validation}
    sealed = open_sealed(settings.corpus_folder, "evaluate")
    model = load_folder(out)
    if sealed:
        evaluations["test"] = measure(model, sealed.texts, sealed.labels)
    findings = examine(model, settings, evaluations, sealed if noise else None)
    card = model_card(read_facts(out), evaluations, findings=findings)
    (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    metrics = {f"{name}/{key}": value for name, found in evaluations.items() for key, value in found.metrics().items()}
    if as_json:
        print_json(
            {"folder": str(out), "seconds": trained.seconds, "data_version": dataset.version, "metrics": metrics}
        )
    else:
        shown = ", ".join(f"{name} {found.accuracy:.4f}" for name, found in evaluations.items())
        console().print(f"{out}: {shown} ({trained.seconds:.0f} s)", markup=False)


def retrain(
    context: typer.Context,
    recipe: RecipeOption = None,
    force: Annotated[bool, typer.Option(help="새 라벨이 적어도 / even with few new labels")] = False,
    finetune: Annotated[
        bool, typer.Option(help="챔피언에서 시작해 사람의 라벨로 / start at the champion, on people's labels")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """필요하면 재학습하고, 관문을 거쳐 등록·승격합니다. / Train if worth it, gate, register, promote."""
    from reelsense.pipelines.retrain import retrain as run
    from reelsense.training.processes import number_of_processes

    if number_of_processes() > 1:
        raise InputError("retrain runs in one process; train in several with `reelsense train --processes N`.")
    settings = context.obj.settings(recipe)
    with store(settings) as db, progress_bar(settings.recipe, as_json) as bar:
        result = run(db, settings, force, training_progress(bar), finetune)
    if as_json:
        print_json(result)
    else:
        version = f" v{result.version}" if result.version else ""
        console().print(f"[bold]{result.status}{version}[/]")
        console().print(result.reason, markup=False)


def evaluate(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="champion, bundled, 버전, 레시피, 폴더")] = "champion",
    data: Annotated[
        Path | None, typer.Option(help="라벨이나 평점이 있는 파일; 기본은 봉인된 시험 파일 / default: the sealed test")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="리뷰 열 / column of texts")] = None,
    label_column: Annotated[str | None, typer.Option(help="라벨 열 / column of labels or ratings")] = None,
    as_json: JsonOption = False,
) -> None:
    """라벨이 있는 데이터로 모델을 잽니다. / Measure a model on labelled data."""
    from reelsense.predictor import load
    from reelsense.training.evaluate import evaluate as measure
    from reelsense.training.labelled import read_labelled
    from reelsense.training.sealed import open_sealed

    settings = context.obj.settings()
    predictor = load(model, settings)
    aside = 0
    if data is None:
        sealed = open_sealed(settings.corpus_folder, "evaluate")
        if sealed is None:
            raise InputError(
                f"The sealed test is not in '{settings.corpus_folder}'. Give --data FILE, set dataset.folder, or run "
                "`reelsense fetch`."
            )
        texts, labels = list(sealed.texts), list(sealed.labels)
    else:
        texts, labels, aside = read_labelled(data, text_column, label_column)
    found = measure(predictor.classifier, texts, labels)
    if as_json:
        print_json(
            {
                "model": predictor.classifier.name,
                "version": predictor.version,
                "rows_left_out": aside,
                "confusion": found.confusion,
                **found.metrics(),
            }
        )
        return
    console().print(
        f"{predictor.classifier.name} {predictor.version}: n {found.n:,}, accuracy {found.accuracy:.4f}, "
        f"macro-F1 {found.macro_f1:.4f}, ECE {found.ece:.4f}" + (f", {aside:,} rows left out" if aside else ""),
        markup=False,
    )


@models.callback(invoke_without_command=True)
def _dialog(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from reelsense.registry.dialog import models_dialog

        models_dialog(context.obj.settings())


@models.command("list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """버전 목록 / all versions"""
    from reelsense.registry.dialog import versions_table
    from reelsense.registry.versions import list_versions

    settings = context.obj.settings()
    versions = list_versions(settings)
    if as_json:
        print_json(versions)
    else:
        console().print(versions_table(versions, settings.language))


@models.command()
def promote(context: typer.Context, version: int, as_json: JsonOption = False) -> None:
    """챔피언으로 / make it the champion"""
    from reelsense.registry.versions import promote as change

    _told(context, change(context.obj.settings(), version), as_json)


@models.command()
def demote(context: typer.Context, version: int, as_json: JsonOption = False) -> None:
    """후보로 / make it the candidate"""
    from reelsense.registry.versions import make_candidate

    _told(context, make_candidate(context.obj.settings(), version), as_json)


@models.command()
def archive(context: typer.Context, version: int, as_json: JsonOption = False) -> None:
    """보관 / set it aside"""
    from reelsense.registry.versions import archive as change

    _told(context, change(context.obj.settings(), version), as_json)


@models.command()
def rollback(context: typer.Context, as_json: JsonOption = False) -> None:
    """이전 챔피언으로 되돌림 / back to the previous champion"""
    from reelsense.registry.versions import roll_back

    _told(context, roll_back(context.obj.settings()), as_json)


@models.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="파일 / file")] = Path("model_registry.json"),
) -> None:
    """model_registry.json을 씁니다 (진실은 MLflow에). / Write model_registry.json; MLflow stays the truth."""
    from reelsense.registry.export import export_registry

    settings = context.obj.settings()
    path = export_registry(settings, out)
    console().print(say(settings, f"내보냄: {path}", f"exported: {path}"), markup=False)


def _without_processes(arguments: Sequence[str]) -> list[str]:
    """The command line for each of the processes."""
    kept = [one for one in arguments if not one.startswith("--processes=")]
    if "--processes" in kept:
        at = kept.index("--processes")
        del kept[at : at + 2]
    return kept


def _told(context: typer.Context, version: object, as_json: bool) -> None:
    from reelsense.registry.dialog import versions_table
    from reelsense.registry.versions import list_versions

    if as_json:
        print_json(version)
    else:
        settings = context.obj.settings()
        console().print(versions_table(list_versions(settings), settings.language))
