"""CGV's wire formats: lists of the present site, reviews of the earlier one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reelsense.devsite.pages import Shelf

_LIKED_FROM = 7


def answer(shelf: Shelf, path: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Content type and body for a path under the site, or None when it has no such page."""
    if path.endswith("/searchAtktTopPostrList"):
        rows = [
            {
                "movNo": film.code,
                "movNm": film.title,
                "i320Fnm": f"{film.code}_320.jpg",
                "scnBssTm": str(film.runtime_minutes or ""),
                "cratgClsCd": "02",
                "atktRate": None,
            }
            for film in shelf.library.on_show("cgv")
        ]
        return "application/json", _enveloped(rows)
    if path.endswith("/searchItgrSrchAll"):
        query = values.get("swrd", "").casefold()
        found = [
            {
                "movNo": film.code,
                "movNm": film.title,
                "rlsYmd": film.release_date.strftime("%Y%m%d") if film.release_date else "",
            }
            for film in shelf.library.films.values()
            if query in film.title.casefold()
        ]
        # This one comes with a byte-order mark.
        return "application/json", "\ufeff" + _enveloped({"movInfo": {"movLst": found}})
    if path.endswith("/GetMoviePointVariableList"):
        return "application/json", _reviews(shelf, values)
    return None


def _enveloped(data: Any) -> str:
    return json.dumps({"statusCode": 0, "statusMessage": "조회 되었습니다.", "data": data}, ensure_ascii=False)


def _reviews(shelf: Shelf, values: Mapping[str, str]) -> str:
    code = values.get("movieIdx", "")
    size = min(int(values.get("pageSize") or 6), 100)
    page, total = shelf.page("cgv", code, int(values.get("pageIndex") or 1), size)
    film = shelf.library.films.get(code)
    rows = [
        {
            "CommentIdx": review.id,
            "MovieIdx": code,
            "MovieTitle": film.title if film else "",
            "UserIdNicName": review.author or "cg****",
            "CommentText": review.text,
            "RegistDate": review.written_at.strftime("%Y-%m-%d %H:%M:%S"),
            "EggPoint": "2" if review.rating >= _LIKED_FROM else "1",
            "GOODCNT": review.likes,
            "SPOILERCNT": 5 if review.spoiler else 0,
            "REPORTCNT": 0,
        }
        for review in page
    ]
    return json.dumps({"d": json.dumps({"TotalCount": total, "List": rows}, ensure_ascii=False)}, ensure_ascii=False)
