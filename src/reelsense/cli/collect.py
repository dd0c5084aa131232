"""Commands about reviews: crawl, films, score, report, label, devsite."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from reelsense.cli.options import JsonOption, Options, console, pairs, print_json, progress_bar, say, store
from reelsense.errors import InputError
from reelsense.printable import cell, one_line, printable
from reelsense.reporting.words import words
from reelsense.settings import Settings
from reelsense.sources.base import Source

if TYPE_CHECKING:
    from reelsense.pipelines.score_ray import BulkScored
    from reelsense.tables.scoring import FileScored

Engine = Literal["local", "ray"]


def crawl(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="megabox, cgv, lotte, naver, naver_news, naver_blog / 파일 경로")],
    film: Annotated[list[str] | None, typer.Option(help="영화 코드 (여러 번 가능); 없으면 상영작 전체")] = None,
    since: Annotated[datetime | None, typer.Option(help="이 날부터 / since this day", formats=["%Y-%m-%d"])] = None,
    key: Annotated[str | None, typer.Option(help="같은 키의 작업은 한 번만 / run once per key")] = None,
    may_train: Annotated[
        bool, typer.Option(help="파일의 리뷰로 학습해도 됨 / a file's reviews may be trained on")
    ] = False,
    column: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="파일의 열 (예: text=내용) / a file's column")
    ] = None,
    best_rating: Annotated[
        float | None, typer.Option(help="파일 평점의 만점; 없으면 추정 / a file's best rating; guessed if not given")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """리뷰를 수집합니다. / Collect reviews of a source or a file."""
    from reelsense.pipelines.crawl import crawl as run
    from reelsense.types import KST

    options: Options = context.obj
    settings = options.settings()
    begin = since.replace(tzinfo=KST) if since else None
    with store(settings) as db, progress_bar(source, as_json) as bar:
        result = run(
            db,
            _source(
                source, settings, may_train, pairs(column, "--column", "FIELD=COLUMN, such as text=내용."), best_rating
            ),
            settings.crawl,
            film or (),
            begin,
            key,
            lambda done: bar.update(bar.task_ids[0], advance=1, description=one_line(f"{source} {done.title}")),
        )
    if as_json:
        print_json({**asdict(result), "counts": result.counts})
    else:
        said = words(settings.language)
        table = Table(title=cell(f"{result.source}: {result.status}"))
        for name in ("film", "pages", "new", "changed", "unchanged", "duplicates", "rejected"):
            table.add_column(said[name], justify="left" if name == "film" else "right")
        for one in result.films:
            numbers = (
                one.pages,
                one.counts.new,
                one.counts.changed,
                one.counts.unchanged,
                one.duplicates,
                one.rejected,
            )
            table.add_row(cell(one.title), *(f"{number:,}" for number in numbers))
        console().print(table)
        if result.message:
            console().print(printable(result.message), markup=False)
    if result.status != "succeeded":
        raise typer.Exit(1)


def films(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="출처 / source")],
    search: Annotated[str | None, typer.Option(help="제목 검색 / words of the title")] = None,
    as_json: JsonOption = False,
) -> None:
    """출처의 영화 목록이나 검색 결과를 보여 줍니다. / List or search the films of a source."""
    from reelsense.store.switches import require_on

    settings = context.obj.settings()
    opened = _source(source, settings)
    with store(settings) as db, db.connect() as connection:
        require_on(connection, opened.name)
    found = opened.search(search) if search else opened.films()
    if as_json:
        print_json(found)
        return
    table = Table("code", words(settings.language)["film"], "")
    for film in found:
        table.add_row(cell(film.code), cell(film.title), str(film.release_date or ""))
    console().print(table)


def score(
    context: typer.Context,
    text: Annotated[str | None, typer.Option(help="문장 하나 / one text")] = None,
    file: Annotated[
        str | None,
        typer.Option(help="CSV/TSV/JSONL/XLSX/Parquet; ray: 폴더, s3://… / with ray also a folder or s3://…"),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "--output", help="결과 파일 / output file; ray: 폴더 / or a folder")
    ] = None,
    column: Annotated[str | None, typer.Option(help="리뷰 열 이름 / the column with the texts")] = None,
    bad: Annotated[Path | None, typer.Option(help="보류된 행 파일 / file for rows set aside")] = None,
    model: Annotated[str, typer.Option(help="champion, bundled, 버전, 폴더 / alias, version or folder")] = "champion",
    engine: Annotated[Engine, typer.Option(help="파일을 어디서 / where a file is scored: local, ray")] = "local",
    address: Annotated[str | None, typer.Option(help="Ray 클러스터 / cluster: auto, ray://HOST:10001")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Ray 작업자; 없으면 코어 수 / default: all cores")] = None,
    as_json: JsonOption = False,
) -> None:
    """문장, 파일, 또는 저장된 리뷰의 감성을 분석합니다. / Score a text, a file, or the stored reviews."""
    from reelsense.models.base import predict
    from reelsense.pipelines.score import score_pending
    from reelsense.predictor import load
    from reelsense.tables.scoring import score_file

    settings = context.obj.settings()
    if text is not None and file is not None:
        raise InputError("Give --text or --file, not both.")
    if file is not None and out is None:
        raise InputError("--file needs --out: where shall the scored rows go?")
    if engine == "ray" or address or workers:
        if engine != "ray" or file is None or out is None:
            raise InputError("--address and --workers need --engine ray, and that needs --file and --out.")
        from reelsense.pipelines.score_ray import score_with_ray

        with progress_bar(file, as_json) as bar:
            _tell_scored(
                score_with_ray(
                    settings, file, out, model, address, bad, column, workers,
                    progress=lambda rows: bar.update(bar.task_ids[0], completed=rows),
                ),
                out,
                as_json,
            )  # fmt: skip
        return
    if any((given or "").startswith("s3://") for given in (file, out)):
        raise InputError("Files on S3 need --engine ray.")
    predictor = load(model, settings)
    if text is not None:
        answer = predict(predictor.classifier, [text], settings.neutral_below)[0]
        label = answer.label.korean if settings.language == "ko" else answer.label.value
        if as_json:
            print_json({**asdict(answer), "label_ko": answer.label.korean, "model_version": predictor.version})
        else:
            positive = say(settings, f"긍정 {answer.positive:.1%}", f"positive {answer.positive:.1%}")
            console().print(f"[bold]{label}[/] {answer.confidence:.1%}  ({positive})")
        return
    if file is not None and out is not None:
        with progress_bar(Path(file).name, as_json) as bar:
            done = score_file(
                predictor.classifier,
                Path(file),
                Path(out),
                bad,
                column,
                settings.neutral_below,
                progress=lambda rows: bar.update(bar.task_ids[0], completed=rows),
            )
        _tell_scored(done, out, as_json)
        return
    with store(settings) as db, progress_bar("score", as_json) as bar:
        result = score_pending(
            db, predictor.classifier, progress=lambda rows: bar.update(bar.task_ids[0], completed=rows)
        )
    if as_json:
        print_json(result)
    else:
        said = words(settings.language)
        console().print(f"{said['scored']} {result.scored:,} ({said['model']} v{result.model_version})")


def report(
    context: typer.Context,
    html: Annotated[Path | None, typer.Option(help="HTML 파일; 기본 HOME/reports/report.html")] = None,
    model: Annotated[str, typer.Option(help="어느 모델의 점수로 / by which model's scores")] = "champion",
    as_json: JsonOption = False,
) -> None:
    """영화별 요약을 터미널과 HTML로 보여 줍니다. / Summarize films in the terminal and as HTML."""
    from reelsense.pipelines.report import build_report
    from reelsense.predictor import load
    from reelsense.reporting.html import write_html
    from reelsense.reporting.terminal import films_table

    settings = context.obj.settings()
    classifier = load(model, settings).classifier
    with store(settings) as db:
        built = build_report(db, classifier.version, classifier.name, settings.neutral_below, settings.morphemes)
    if as_json:
        print_json(built.as_dict())
        return
    path = write_html(built, html or settings.home / "reports" / "report.html", settings.language)
    console().print(films_table(built, settings.language))
    console().print(say(settings, f"HTML 리포트: {path}", f"HTML report: {path}"), markup=False)


def label(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="출처 / source of the review")],
    source_id: Annotated[str, typer.Argument(help="출처의 리뷰 id / the review's id there")],
    sentiment: Annotated[str, typer.Argument(help="positive, neutral, negative (긍정, 중립, 부정)")],
    annotator: Annotated[str, typer.Option(help="누가 (이름 말고 역할이나 별칭) / who, a role and not a name")] = "cli",
) -> None:
    """사람의 판단을 저장합니다. / Store a person's judgement of a review."""
    from reelsense.store.labels import add_labels
    from reelsense.store.reviews import find_review
    from reelsense.types import Label, Sentiment

    settings = context.obj.settings()
    names = {name: each for each in Sentiment for name in (each.value, each.korean)}
    if sentiment not in names:
        raise InputError(f"'{sentiment}' is no sentiment; one of {', '.join(names)}.")
    with store(settings) as db, db.begin() as connection:
        review = find_review(connection, source, source_id)
        if review is None:
            raise InputError(f"There is no review '{source_id}' of {source} in the store.")
        add_labels(connection, [Label(review.id, names[sentiment], annotator, datetime.now(UTC))])
    given = names[sentiment]
    console().print(printable(f"{say(settings, given.korean, given.value)}: {review.text}"), markup=False)


def devsite(
    context: typer.Context,
    reviews: Annotated[
        Path | None, typer.Option(help="리뷰 파일 (JSONL/CSV); 없으면 예시 / default: the sample")
    ] = None,
    films_file: Annotated[Path | None, typer.Option("--films", help="films.json")] = None,
    host: Annotated[str, typer.Option(help="주소 / address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="포트 / port")] = 8900,
    until: Annotated[
        datetime | None, typer.Option(help="이 날까지만 보임 / hide later ones", formats=["%Y-%m-%d"])
    ] = None,
    error_rate: Annotated[float, typer.Option(help="5xx의 비율 / share of 5xx answers")] = 0.0,
    shift_rate: Annotated[float, typer.Option(help="읽는 동안 밀리는 쪽 / pages that shift")] = 0.0,
    latency_ms: Annotated[float, typer.Option(help="지연 / latency")] = 0.0,
) -> None:
    """리뷰 사이트를 흉내 내는 로컬 서버를 띄웁니다. / Serve the review sites' formats locally."""
    from reelsense.devsite.faults import Faults
    from reelsense.devsite.library import load_library, sample_library
    from reelsense.devsite.server import serve

    settings = context.obj.settings()
    library = load_library(reviews, films_file) if reviews else sample_library()
    library.until = until.date() if until else None
    faults = Faults(latency_ms=latency_ms, error_rate=error_rate, shift_rate=shift_rate)
    with serve(library, faults, host, port) as site:
        console().print(say(settings, f"devsite: {site.url}  (Ctrl-C로 멈춤)", f"devsite: {site.url}  (Ctrl-C stops)"))
        for name, url in site.base_urls().items():
            console().print(f"  REELSENSE_CRAWL__BASE_URLS__{name.upper()}={url}", markup=False)
        while True:
            time.sleep(1)


def _source(
    name: str,
    settings: Settings,
    may_train: bool = False,
    columns: Mapping[str, str] | None = None,
    best_rating: float | None = None,
) -> Source:
    from reelsense.sources.catalogue import open_source
    from reelsense.sources.files import FileSource

    path = Path(name)
    if path.is_file():
        return FileSource(path, columns=columns, may_train=may_train, rating_scale=best_rating)
    if columns or best_rating or may_train:
        raise InputError(f"--column, --best-rating and --may-train are for files, and there is no file '{name}'.")
    return open_source(name, settings)


def _tell_scored(done: FileScored | BulkScored, out: str, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    rate = done.scored / max(done.seconds, 1e-9)
    aside = f" · {done.bad:,} → {done.bad_file}" if done.bad_file else ""
    console().print(f"{out}: {done.scored:,} ({done.column}, {rate:,.0f}/s){aside}", markup=False)
