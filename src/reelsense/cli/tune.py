"""The command that searches hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from reelsense.cli.options import (
    CorpusOnlyOption,
    JsonOption,
    console,
    learnable,
    pairs,
    print_json,
    progress_bar,
    say,
    training_progress,
)
from reelsense.errors import InputError


def tune(
    context: typer.Context,
    recipe: Annotated[str | None, typer.Option(help="configs/의 레시피 / a recipe of configs/")] = None,
    trials: Annotated[int, typer.Option(min=1, help="모두 몇 번 (앞선 것 포함) / trials in all")] = 20,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="새 시도를 시작할 시간 / begin no trial after so many minutes")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="찾은 레시피; 기본 HOME/tuning/이름.yaml / the recipe that is found")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="시도의 차트; 기본 HOME/tuning/이름.html / charts")] = None,
    name: Annotated[str | None, typer.Option(help="탐색의 이름; 기본 레시피 / the study; default the recipe")] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="KEY=LOW:HIGH", help="찾을 범위를 바꿈 / search a setting from LOW to HIGH"),
    ] = None,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="ray: 함께 여럿 / in parallel")] = "local",
    address: Annotated[str | None, typer.Option(help="Ray 클러스터; 없으면 이 컴퓨터 / a cluster of Ray")] = None,
    corpus_only: CorpusOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """레시피의 하이퍼파라미터를 찾습니다 (중단하면 이어서). / Search a recipe's hyper-parameters; resumes."""
    from reelsense.pipelines.distil import taught
    from reelsense.pipelines.tune import tune as run
    from reelsense.reporting.tune_page import write_tune_page
    from reelsense.training.data import build_dataset
    from reelsense.training.search import parse_range

    if address and engine != "ray":
        raise InputError("--address belongs to --engine ray.")
    settings = context.obj.settings(recipe)
    given = pairs(ranges, "--range", "KEY=LOW:HIGH, such as training.learning_rate=1e-5:1e-4.")
    space = [parse_range(settings, key, ends) for key, ends in given.items()]
    stored = learnable(settings, corpus_only)
    dataset = taught(build_dataset(settings, stored), settings)
    with progress_bar(settings.recipe, as_json) as bar:
        draw = training_progress(bar)

        def progress(number: int, event: str, numbers: Mapping[str, float]) -> None:
            draw(f"#{number} {event}", numbers)

        found = run(dataset, settings, trials, out, minutes, name, space, engine, address, progress)
    path = write_tune_page(found, page or settings.home / "tuning" / f"{found.study}.html", settings.language)
    if as_json:
        print_json({**asdict(found), "page": path})
        return
    values = ", ".join(f"{key} {value:.4g}" for key, value in found.best.items())
    own = f" ({say(settings, '레시피', 'the recipe')} {found.own:.4f})" if found.own is not None else ""
    console().print(f"{found.recipe}: macro-F1 {found.macro_f1:.4f}{own}, {len(found.trials)} trials", markup=False)
    console().print(values, markup=False)
    console().print(say(settings, f"레시피: {found.out}", f"Recipe: {found.out}"), markup=False)
    console().print(say(settings, f"차트: {path}", f"Charts: {path}"), markup=False)
