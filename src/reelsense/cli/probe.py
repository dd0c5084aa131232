"""The command that tests what a model does: probe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelsense.cli.options import JsonOption, console, print_json, say


def probe(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Option(help="champion, bundled, 버전, 레시피, 폴더; 여러 번 / repeat to compare; default champion"),
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(help="다른 틀 파일 / other templates than training/behaviours.yaml")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="HTML 파일 / write a page")] = None,
    as_json: JsonOption = False,
) -> None:
    """부정, 대조, 반어, 오타 같은 문장으로 모델의 행동을 시험합니다. / Behavioural tests: negation, sarcasm, typos …"""
    from reelsense.predictor import load
    from reelsense.reporting.probe import probe_table, write_probe_page
    from reelsense.training.behaviours import TEMPLATES, read_behaviours
    from reelsense.training.probing import probe as run

    settings = context.obj.settings()
    suite = read_behaviours(templates or TEMPLATES)
    found = [
        run(load(name, settings).classifier, settings.neutral_below, suite)
        for name in dict.fromkeys(model or ["champion"])
    ]
    if out is not None:
        write_probe_page(found, out, settings.language)
    if as_json:
        print_json(
            [
                {
                    "model": one.model,
                    "version": one.version,
                    "suite": one.suite,
                    "neutral_below": one.neutral_below,
                    "cases": one.cases,
                    "failed": one.failed,
                    "failure_rate": one.rate,
                    "capabilities": {
                        rate.name[1]: {"cases": rate.cases, "failed": rate.failed, "failure_rate": rate.rate}
                        for rate in one.capabilities
                    },
                    "tests": one.outcomes,
                }
                for one in found
            ]
        )
        return
    console().print(probe_table(found, settings.language))
    if out is not None:
        console().print(say(settings, f"페이지: {out}", f"page: {out}"), markup=False)
