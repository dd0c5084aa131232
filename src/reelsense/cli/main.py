"""`reelsense`: puts the commands together, and turns errors into one line and exit code 2."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from reelsense.cli import collect, compare, demo, inspect, learn, operate, preserve
from reelsense.cli.data import data
from reelsense.cli.drift import drift
from reelsense.cli.keys import keys
from reelsense.cli.options import Options, parse_overrides
from reelsense.cli.probe import probe
from reelsense.cli.tune import tune
from reelsense.errors import ReelsenseError
from reelsense.printable import printable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="한국어 영화 리뷰를 모으고, 감성을 분석하고, 모델을 관리합니다. / Korean film reviews: collect, score, learn.",
)


@app.callback()
def _common(
    context: typer.Context,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="설정을 바꿉니다 (예: training.epochs=5) / change a setting"),
    ] = None,
) -> None:
    context.obj = Options(parse_overrides(overrides or []))


app.command()(collect.crawl)
app.command()(collect.films)
app.command()(collect.score)
app.command()(collect.report)
app.command()(collect.devsite)
app.command()(collect.label)
app.command()(learn.train)
app.command()(tune)
app.command()(learn.retrain)
app.command()(learn.evaluate)
app.command()(compare.compare)
app.command()(probe)
app.add_typer(learn.models, name="models")
app.add_typer(data, name="data")
app.add_typer(keys, name="keys")
app.add_typer(operate.watch, name="watch")
app.command()(operate.check)
app.command()(drift)
app.command()(operate.maintain)
app.command()(operate.notices)
app.command()(preserve.backup)
app.command()(preserve.restore)
app.command()(inspect.doctor)
app.command()(inspect.runs)
app.command()(inspect.settings)
app.command()(inspect.fetch)
app.command()(demo.demo)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except ReelsenseError as error:
        Console(stderr=True, highlight=False).print(
            f"[bold red]reelsense:[/] {escape(printable(str(error)))}", soft_wrap=True
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
