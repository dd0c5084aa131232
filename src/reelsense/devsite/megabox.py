"""Megabox's wire formats."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from reelsense.devsite.library import SiteReview
from reelsense.devsite.pages import Shelf, relative_date
from reelsense.types import Film

_MOST = 100
_HTML_SIZE = 10
_MASK_NOTICE = "스포일러가 포함된 관람평입니다."
_ASPECT_CODES = {"배우": "ACTOR", "스토리": "STORY", "영상미": "VIDEO", "OST": "OST", "연출": "DIRTOR"}


def answer(shelf: Shelf, path: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Content type and body for a path under the site, or None when it has no such page."""
    if path.endswith("/selectMovieList.do"):
        return "application/json", _movies(shelf, values.get("ibxMovieNmSearch", ""))
    if path.endswith("/selectMovieInfo.do"):
        film = shelf.library.films.get(values.get("rpstMovieNo", ""))
        return ("text/html", _info(film)) if film else None
    if path.endswith("/selectOneLnList.do"):
        return "application/json", _reviews(shelf, values)
    if path.endswith("/selectMovieGrapList.do"):
        return "application/json", _aspects(shelf, values.get("rpstMovieNo") or values.get("movieNo", ""))
    if path == "/movie-detail/comment":
        return "text/html", _comments(shelf, values)
    return None


def _movies(shelf: Shelf, query: str) -> str:
    films = [film for film in shelf.library.on_show("megabox") if query.casefold() in film.title.casefold()]
    rows = [
        {
            "movieNo": film.code,
            "rpstMovieNo": film.code,
            "movieNm": html.escape(film.title),
            "rfilmDe": film.release_date.strftime("%Y%m%d") if film.release_date else "",
            "movieStatCd": "MSC01",
            "movieStatNm": "상영중",
            "imgPathNm": f"/SharedImg/{film.code}.svg",
            "admisClassNm": "12세이상관람가",
            "boxoBokdRt": 0.0,
            "movieSynopCn": html.escape(film.plot or ""),
        }
        for film in films
    ]
    return json.dumps({"totCnt": len(rows), "movieList": rows}, ensure_ascii=False)


def _info(film: Film) -> str:
    genres = ", ".join(film.genres)
    minutes = f" / {film.runtime_minutes} 분" if film.runtime_minutes else ""
    return (
        '<div class="movie-info infoContent">'
        f"<p>감독 : {html.escape(', '.join(film.directors))}</p><p>장르 : {html.escape(genres)}{minutes}</p>"
        f"<p>출연진 : {html.escape(', '.join(film.cast))}</p></div>"
        f'<div class="movie-summary"><div class="txt">{html.escape(film.plot or "")}</div></div>'
    )


def _reviews(shelf: Shelf, values: Mapping[str, str]) -> str:
    size = min(_number(values.get("recordCountPerPage"), 10), _MOST)
    code = values.get("movieNo", "")
    page, total = shelf.page("megabox", code, _number(values.get("currentPage"), 1), size)
    body = {"imgSvrUrl": "https://img.megabox.co.kr", "list": [_row(review, total) for review in page]}
    return json.dumps(body, ensure_ascii=False)


def _row(review: SiteReview, total: int) -> dict[str, Any]:
    written = review.written_at.strftime("%Y.%m.%d %H:%M:%S")
    spans = "".join(f"<span>{aspect}</span>" for aspect in review.aspects)
    masked = review.spoiler or review.mask_notice
    return {
        "onelnEvalNo": review.id,
        "onelnEvalDivCd": "PREV",
        "onelnEvalCn": html.escape(_shown(review)),
        "spointScore": int(review.rating),
        "topScorePoint": spans,
        "rcmmCnt": review.likes,
        "fstRegDt": written,
        "fullLstUptDt": written,
        "loginId": review.author or "mb****",
        "maskAt": "Y" if masked else "N",
        "maskResnCd": "SPOL" if masked else None,
        "totCnt": total,
    }


def _shown(review: SiteReview) -> str:
    return _MASK_NOTICE if review.mask_notice else review.text


def _aspects(shelf: Shelf, code: str) -> str:
    counts = dict.fromkeys(_ASPECT_CODES, 0)
    for review in shelf.library.visible("megabox", code):
        for aspect in review.aspects:
            counts[aspect] = counts.get(aspect, 0) + 1
    rows = [
        {"topScorePoint": aspect, "score": count, "cd": _ASPECT_CODES.get(aspect, "")}
        for aspect, count in counts.items()
    ]
    return json.dumps({"expeAllPointList": [], "prevAllPointList": rows}, ensure_ascii=False)


def _comments(shelf: Shelf, values: Mapping[str, str]) -> str:
    number = _number(values.get("currentPage"), 1)
    page, total = shelf.page("megabox", values.get("rpstMovieNo", ""), number, _HTML_SIZE)
    items = "".join(
        '<li class="type01 oneContentTag">'
        f'<div class="story-point"><span>{int(review.rating)}</span></div>'
        f'<div class="story-recommend"><em>{" ".join(review.aspects)}</em></div>'
        f'<div class="story-txt">{html.escape(_shown(review))}</div>'
        f'<div class="story-date"><span>{relative_date(review.written_at, shelf.now)}</span></div></li>'
        for review in page
    )
    pages = range(1, (total + _HTML_SIZE - 1) // _HTML_SIZE + 1)
    links = "".join(
        f'<strong class="active">{n}</strong>' if n == number else f'<a pagenum="{n}" href="#">{n}</a>' for n in pages
    )
    following = '<a class="control next" href="#">다음</a>' if number < len(pages) else ""
    return f'<ul>{items}</ul><nav class="pagination">{links}{following}</nav>'


def _number(value: str | None, fallback: int) -> int:
    return int(value) if value and value.isdigit() else fallback
