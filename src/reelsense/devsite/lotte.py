"""Lotte Cinema's wire format: one address, the method inside a form field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reelsense.devsite.pages import Shelf


def answer(shelf: Shelf, path: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Content type and body for a path under the site, or None when it has no such page."""
    if not path.endswith("/MovieData.aspx"):
        return None
    request = json.loads(values.get("paramList") or "{}")
    if not isinstance(request, dict):
        raise ValueError("paramList is no JSON object")
    if request.get("MethodName") == "GetMoviesToBe":
        return "application/json", _json({"Movies": {"Items": _movies(shelf)}})
    if request.get("MethodName") == "GetReviews":
        return "application/json", _json({"TotalReviewItems": _reviews(shelf, request)})
    return "application/json", json.dumps({"IsOK": "false", "ResultMessage": "unknown method"})


def _json(values: dict[str, Any]) -> str:
    return json.dumps({"IsOK": "true", "ResultMessage": "SUCCESS", **values}, ensure_ascii=False)


def _movies(shelf: Shelf) -> list[dict[str, Any]]:
    advertisement = {"RepresentationMovieCode": "AD", "MovieNameKR": "AD", "ReleaseDate": None, "PosterURL": None}
    films = [
        {
            "RepresentationMovieCode": film.code,
            "MovieNameKR": film.title,
            "ReleaseDate": film.release_date.isoformat() if film.release_date else "",
            "PosterURL": "",
            "BookingRate": "0.0",
        }
        for film in shelf.library.on_show("lotte")
    ]
    return [*films[:2], advertisement, *films[2:]]


def _reviews(shelf: Shelf, request: Mapping[str, Any]) -> dict[str, Any]:
    size = min(int(request.get("pageSize") or 10), 100)
    number = int(request.get("pageNo") or 1)
    page, total = shelf.page("lotte", str(request.get("representationMovieCode")), number, size)
    rows = [
        {
            "ReviewID": review.id,
            # The site's own script leaves traces in some texts.
            "ReviewText": review.text + (f" jQuery1{review.id}_16{review.id}" if review.id % 7 == 0 else ""),
            "Evaluation": int(review.rating),
            "RegistDate": review.written_at.strftime("%Y.%m.%d"),
            "RecommandCount": review.likes,
        }
        for review in page
    ]
    return {"TotalCount": total, "Items": rows}
