"""Commands about data sets: describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelsense.cli.options import JsonOption, console, print_json, progress_bar, say, store
from reelsense.errors import InputError

data = typer.Typer(no_args_is_help=True, help="데이터를 들여다봅니다. / Look into data sets.")


@data.callback()
def _group() -> None:
    """Keeps `describe` a command of its own while it is the only one."""


@data.command()
def describe(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="CSV, TSV, JSONL, XLSX, Parquet 파일 / a file, with labels or ratings")
    ] = None,
    film: Annotated[str | None, typer.Option(help="저장된 영화의 제목 / title of a stored film")] = None,
    dataset: Annotated[
        bool, typer.Option("--dataset", help="다음 학습이 배울 데이터 / what the next training learns from")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="HTML 파일; 기본 HOME/reports/data-이름.html")] = None,
    tokenizer: Annotated[
        list[str] | None, typer.Option(help="kiwi, okt, 모델 폴더 (여러 번 가능) / a folder: its subwords")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=10, help="형태소를 볼 텍스트 수, 클래스마다 / texts a class for the tokenizers")
    ] = 10_000,
    recipe: Annotated[str | None, typer.Option(help="configs/의 레시피 (--dataset) / a recipe of configs/")] = None,
    text_column: Annotated[str | None, typer.Option(help="리뷰 열 / column of texts")] = None,
    label_column: Annotated[str | None, typer.Option(help="라벨이나 평점 열 / column of labels or ratings")] = None,
    as_json: JsonOption = False,
) -> None:
    """파일, 영화, 학습 데이터의 리포트를 HTML로 씁니다. / Report on a file, a film or the training data as HTML."""
    from reelsense.pipelines.describe_data import describe_dataset, describe_file, describe_film
    from reelsense.reporting.data_page import write_data_page

    if (file is not None) + (film is not None) + dataset != 1:
        raise InputError("Name one thing to describe: a FILE, --film TITLE or --dataset.")
    settings = context.obj.settings(recipe)
    tokenizers = tuple(tokenizer or ("kiwi", "okt"))
    with progress_bar("describe", as_json) as bar:

        def told(step: str, done: int) -> None:
            bar.update(bar.task_ids[0], description=step, completed=done)

        if file is not None:
            found = describe_file(file, tokenizers, sample, text_column, label_column, told)
        else:
            with store(settings) as db:
                if film is not None:
                    found = describe_film(db, film, tokenizers, sample, told)
                else:
                    found = describe_dataset(db, settings, tokenizers, sample, told)
    if as_json:
        print_json(found)
        if out is None:
            return
    name = "".join(letter if letter.isalnum() else "-" for letter in found.name).strip("-")
    path = write_data_page(found, out or settings.home / "reports" / f"data-{name}.html", settings.language)
    if not as_json:
        shown = ", ".join(f"{name} {count:,}" for name, count in found.classes.items())
        console().print(f"{found.name}: {found.rows:,} ({shown})", markup=False)
        console().print(say(settings, f"데이터 리포트: {path}", f"Data report: {path}"), markup=False)
