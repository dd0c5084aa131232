"""`reelsense demo`: the main job from end to end, on this machine alone."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.markup import escape
from rich.panel import Panel

from reelsense.cli.options import console, progress_bar, say, store, training_progress
from reelsense.errors import InputError

_SOURCES = ("megabox", "cgv")
# The sample holds a few hundred reviews: what is enough new labels in a demo is not in a year of crawling.
_MIN_NEW_LABELS = 50


def demo(
    context: typer.Context,
    sources: Annotated[list[str] | None, typer.Option("--source", help="수집할 출처 / sources to crawl")] = None,
) -> None:
    """수집 → 분석 → 재학습 → 관문 → 승격 → 리포트를 한 번에. / Crawl, score, retrain, gate, promote, report."""
    from reelsense.devsite.library import sample_library
    from reelsense.devsite.server import serve
    from reelsense.pipelines.champion import ensure_champion
    from reelsense.pipelines.crawl import crawl
    from reelsense.pipelines.report import build_report
    from reelsense.pipelines.retrain import retrain
    from reelsense.pipelines.score import score_pending
    from reelsense.predictor import load
    from reelsense.registry.client import sqlite_path
    from reelsense.reporting.html import write_html
    from reelsense.reporting.terminal import films_table
    from reelsense.sources.catalogue import open_source

    out = console()
    with serve(sample_library()) as site:
        settings = context.obj.settings(
            more={
                "crawl.base_urls": site.base_urls(),
                "crawl.min_delay_seconds": 0,
                "retrain.min_new_labels": _MIN_NEW_LABELS,
                "log_level": "WARNING",
            }
        )
        if not (settings.embedded and sqlite_path(settings)):
            raise InputError(
                "The demo stores sample reviews and trains a model on them, on this machine alone: "
                "unset REELSENSE_DATABASE_URL and REELSENSE_MLFLOW_TRACKING_URI."
            )
        begin = time.monotonic()

        def step(number: int, korean: str, english: str) -> None:
            seconds = time.monotonic() - begin
            out.print(f"\n[bold cyan]{number}/6[/] [bold]{say(settings, korean, english)}[/] [dim]{seconds:.0f}s[/]")

        with store(settings) as db:
            step(1, "로컬 리뷰 사이트에서 HTTP로 수집", "Crawl the local review site over HTTP")
            for name in sources or _SOURCES:
                result = crawl(db, open_source(name, settings), settings.crawl)
                counts = result.counts
                rejected = sum(film.rejected for film in result.films)
                out.print(
                    f"  {name}: {say(settings, '신규', 'new')} {counts.new}, {say(settings, '그대로', 'unchanged')} "
                    f"{counts.unchanged}, {say(settings, '보류', 'kept aside')} {rejected} ({result.status})"
                )
            step(2, "챔피언 모델로 감성 분석", "Score with the champion")
            champion = ensure_champion(settings)
            scored = score_pending(db, load("champion", settings).classifier)
            out.print(f"  {champion.recipe} v{champion.version}: {scored.scored}")

            step(3, "재학습 → 평가 → 관문 → 등록", "Retrain, evaluate, gate, register")
            with progress_bar(settings.recipe) as bar:
                trained = retrain(db, settings, progress=training_progress(bar))
            out.print(f"  [bold]{trained.status}[/]", end=" ")
            out.print(trained.reason, markup=False)

            step(4, "새 챔피언으로 다시 분석", "Score with the champion of now")
            classifier = load("champion", settings).classifier
            scored = score_pending(db, classifier)
            out.print(f"  v{classifier.version}: {scored.scored}")

            step(5, "영화별 리포트", "Report by film")
            report = build_report(db, classifier.version, classifier.name, settings.neutral_below, settings.morphemes)
            out.print(films_table(report, settings.language))
            path = write_html(report, settings.home / "reports" / "report.html", settings.language)

    step(6, "끝", "Done")
    places = {
        say(settings, "리포트", "report"): path,
        say(settings, "저장소", "store"): settings.resolved_database_url,
        "MLflow": settings.resolved_tracking_uri,
        say(settings, "모델 파일", "model files"): settings.resolved_artifacts,
    }
    # `make demo` installs into a virtual environment that the reader's shell may not know.
    program = "reelsense" if shutil.which("reelsense") else sys.argv[0]
    following = [f"{program} {rest}" for rest in ("score --text '배우들 연기가 정말 좋았어요'", "models", "doctor")]
    if Path("Makefile").is_file():
        following.insert(0, say(settings, "make ui   # 영화별 웹 화면", "make ui   # the films on a web page"))
    lines = [f"{name}{' ' * (12 - cell_len(name))}{place}" for name, place in places.items()]
    lines += ["", say(settings, "다음에 해 볼 것", "What to do next"), *(f"  {command}" for command in following)]
    out.print(Panel(escape("\n".join(lines)), title="reelsense", expand=False))
