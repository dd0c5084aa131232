"""Naver's wire formats: viewer reviews as HTML in JSONP, and the official search API's posts."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from email.message import Message
from email.utils import format_datetime

from reelsense.devsite.library import SiteReview
from reelsense.devsite.pages import Shelf

_SIZE = 10
CLIENT_ID = "devsite"
CLIENT_SECRET = "devsite"  # nosec B105 # noqa: S105 - opens nothing but this local server


def has_key(headers: Message) -> bool:
    """Whether a request to the search API brings this server's id and secret."""
    return headers.get("X-Naver-Client-Id") == CLIENT_ID and headers.get("X-Naver-Client-Secret") == CLIENT_SECRET


def answer(shelf: Shelf, path: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Content type and body for a path under the site, or None when it has no such page."""
    if not path.endswith("/nqapirender.nhn"):
        return None
    number = int(values.get("u2") or 1)
    page, _ = shelf.page("naver", values.get("u1", ""), number, _SIZE)
    body = json.dumps({"html": "".join(_item(review) for review in page)}, ensure_ascii=False)
    return "application/javascript", f"_callback({body});"


def search(shelf: Shelf, path: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """News or blog posts that name the words searched for, made from the films' plots."""
    kind = path.rpartition("/")[2].removesuffix(".json")
    if not path.startswith("/v1/search/") or kind not in ("news", "blog"):
        return None
    query = values.get("query", "")
    films = [film for film in shelf.library.films.values() if query in film.title]
    start, display = int(values.get("start") or 1), int(values.get("display") or 10)
    items = [
        {
            "title": html.escape(film.title).replace(html.escape(query), f"<b>{html.escape(query)}</b>"),
            "link": f"https://{kind}.example/{film.code}",
            "description": html.escape(film.plot or ""),
            **(
                {"pubDate": format_datetime(shelf.now), "originallink": ""}
                if kind == "news"
                else {"postdate": shelf.now.strftime("%Y%m%d"), "bloggername": "영화 노트", "bloggerlink": ""}
            ),
        }
        for film in films
    ][start - 1 : start - 1 + display]
    return "application/json", json.dumps(
        {"total": len(films), "start": start, "display": display, "items": items}, ensure_ascii=False
    )


def _item(review: SiteReview) -> str:
    stars = "".join(
        f'<span class="play_star{" state_fill" if n < int(review.rating) else ""}"></span>' for n in range(10)
    )
    written = review.written_at.strftime("%Y%m%d %H:%M")
    return (
        f'<li class="area_card _item" data-rating-id="{review.id}" data-report-time="{written}">{stars}'
        f'<span class="desc _text">{html.escape(review.text)}</span></li>'
    )
