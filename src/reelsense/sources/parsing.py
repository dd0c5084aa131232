"""Reading what Korean review sites write: dates, entities, ratings, aspects, masked and blank texts."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import datetime, timedelta

from reelsense.text.clean import clean, text_key
from reelsense.types import KST

# What sites show in place of a text that is hidden.
_MASK_NOTICE = re.compile(r"^(스포일러|비속어|광고|관람과 무관).{0,20}(포함|숨김|가려|블라인드|신고).{0,20}$")
_JQUERY_JUNK = re.compile(r"jQuery\d+_\d+")
_TAGS = re.compile(r"<[^>]*>")
_AGO = re.compile(r"(\d+)\s*(초|분|시간|일|주|개월|달|년)\s*전")
_DATE = re.compile(r"(\d{4})[.\-/년]?\s*(\d{1,2})[.\-/월]?\s*(\d{1,2})")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?!\d)")
_CLOCK = re.compile(r"(?:T|\s)(\d{1,2}):(\d{2})(?::(\d{2}))?")
_UNIT_DAYS = {"일": 1, "주": 7, "개월": 30, "달": 30, "년": 365}
ASPECTS = ("배우", "스토리", "영상미", "OST", "연출")


def plain(text: str) -> str:
    """Entities resolved (double ones too), jQuery's markers taken out; line breaks and the rest stay."""
    for _ in range(2):
        text = html.unescape(text)
    return _JQUERY_JUNK.sub("", text)


def is_blank(text: str) -> bool:
    """Whether nothing visible is left (Megabox sends U+2800 for an empty text)."""
    return not clean(text)


def is_mask_notice(text: str) -> bool:
    """Whether a site shows only that a text is hidden."""
    return bool(_MASK_NOTICE.match(clean(text)))


def korean_time(value: str, now: datetime) -> datetime | None:
    """An aware Korean time from "방금", "3 시간전", "어제", "2026.07.10 14:03", "20260204 10:24" or ISO; None if none.

    `now` is aware. A day without a clock is its midnight; relative times are as exact as their unit.
    """
    value = clean(value)
    now = now.astimezone(KST)
    if value.startswith("방금"):
        return now
    ago = _AGO.search(value)
    if ago:
        number, unit = int(ago[1]), ago[2]
        if unit in _UNIT_DAYS:
            return _midnight(now - timedelta(days=number * _UNIT_DAYS[unit]))
        return now - timedelta(seconds=number * {"초": 1, "분": 60, "시간": 3600}[unit])
    if value.startswith(("어제", "그제")):
        return _midnight(now - timedelta(days=1 if value.startswith("어제") else 2))
    found = _COMPACT.match(value) or _DATE.search(value)
    if not found:
        return None
    clock = _CLOCK.search(value)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    try:
        return datetime(int(found[1]), int(found[2]), int(found[3]), hour, minute, second, tzinfo=KST)
    except ValueError:
        return None


def rating_of(value: object) -> float | None:
    """A rating on 0-10; None when there is none or it makes no sense."""
    try:
        rating = float(str(value).strip())
    except ValueError:
        return None
    return rating if 0 <= rating <= 10 else None


def aspects_of(markup: str) -> tuple[str, ...]:
    """The aspects named in Megabox's markup or plain list, in the usual order."""
    shown = _TAGS.sub(" ", html.unescape(markup))
    return tuple(aspect for aspect in ASPECTS if aspect in shown)


def hashed_author(name: str | None, salt: bytes) -> str | None:
    """32 hex digits that stand for a nickname and can't be turned back without the salt."""
    if not name or not name.strip():
        return None
    return hashlib.blake2b(name.strip().encode("utf-8", "replace"), key=salt[:64], digest_size=16).hexdigest()


def stable_id(*parts: str) -> str:
    """An id for a row that has none, from what does not change about it."""
    joined = "\x00".join(text_key(part) for part in parts)
    return "h" + hashlib.blake2b(joined.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
