"""Reading what Korean review sites write: dates, entities, ratings, aspects, masked and blank texts."""

from __future__ import annotations

import difflib
import hashlib
import html
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from reelsense.text.clean import clean, text_key
from reelsense.types import KST, Film

# What sites show in place of a text that is hidden.
_MASK_NOTICE = re.compile(
    r"^(?:[*\s]+"
    r"|.{0,10}(스포일러|비속어|욕설|광고|관람과 무관|블라인드).{0,20}(포함|숨김|숨겨|가려|블라인드|신고|처리).{0,20})$"
)
_JQUERY_JUNK = re.compile(r"jQuery\d+_\d+")
_TAGS = re.compile(r"<[^<>]*>")
# More digits than Python turns into a number, and than any character has.
_ENDLESS_REFERENCE = re.compile(r"&#[0-9]{16,}")
# Longer ones are no dates.
_LONGEST_DATE = 80
_AGO = re.compile(r"(\d+)\s*(초|분|시간|일|주|개월|달|년)\s*전")
_EPOCH = re.compile(r"/Date\((-?\d{1,14})")
_LONE = re.compile("[\x00\ud800-\udfff]")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_RATING = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*(?:점\s*)?")
_PERSONAL = re.compile(
    r'("(?:loginId|UserIdNicName|MemberNo\w*|MemberID|MemberName|bloggername|bloggerlink)"\s*:\s*")[^"]*'
)
_DATE = re.compile(r"(\d{4})[.\-/년]?\s*(\d{1,2})[.\-/월]?\s*(\d{1,2})")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?!\d)")
_CLOCK = re.compile(r"(?:T|\s|오[전후]\s*)(\d{1,2}):(\d{2})(?::(\d{2}))?")
_ZONE = re.compile(r"\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})$")
_UNIT_DAYS = {"일": 1, "주": 7, "개월": 30, "달": 30, "년": 365}
ASPECTS = ("배우", "스토리", "영상미", "OST", "연출")


def plain(text: str) -> str:
    """Entities resolved (double ones too), jQuery's markers taken out, `<br>` a line break; the rest stays."""
    if "&" in text:
        text = _unescaped(_unescaped(text))
    if "<" in text:
        text = _BREAK.sub("\n", text)
    return storable(_JQUERY_JUNK.sub("", text)).strip()


def _unescaped(text: str) -> str:
    return html.unescape(_ENDLESS_REFERENCE.sub("&#xFFFD", text))


def storable(text: str) -> str:
    """Without what no database takes: NUL and halves of surrogate pairs (whole pairs become their character)."""
    if not _LONE.search(text):
        return text
    return text.replace("\x00", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_names(raw: str) -> str:
    """A raw row for the rejected ones, with the values of fields that name a person taken out."""
    return storable(_PERSONAL.sub(r"\1", raw))


def is_blank(text: str) -> bool:
    """Whether nothing visible is left (Megabox sends U+2800 for an empty text)."""
    return not clean(text)


def is_mask_notice(text: str) -> bool:
    """Whether a site shows only that a text is hidden; ask only of rows that the site flags as masked."""
    return bool(_MASK_NOTICE.match(clean(text)))


def korean_time(value: str, now: datetime) -> datetime | None:
    """An aware Korean time from "방금", "3 시간전", "어제", "2026.07.10 14:03", "20260204 10:24" or ISO; None if none.

    `now` is aware. A day without a clock is its midnight; relative times are as exact as their unit.
    """
    value = value.strip()[:_LONGEST_DATE]
    now = now.astimezone(KST)
    try:
        return _relative_time(value, now) or _absolute_time(value)
    except (ValueError, OverflowError):
        return None


def _relative_time(value: str, now: datetime) -> datetime | None:
    """Cut to the unit that is shown, so that reading a page again a moment later mostly gives the same time."""
    minute = now.replace(second=0, microsecond=0)
    if value.startswith("방금"):
        return minute
    ago = _AGO.search(value)
    if ago:
        number, unit = int(ago[1]), ago[2]
        if unit in _UNIT_DAYS:
            return _midnight(now - timedelta(days=number * _UNIT_DAYS[unit]))
        if unit == "시간":
            return minute.replace(minute=0) - timedelta(hours=number)
        return (now - timedelta(seconds=number * (60 if unit == "분" else 1))).replace(second=0, microsecond=0)
    for word, days in (("오늘", 0), ("어제", 1), ("그제", 2)):
        if value.startswith(word):
            return _midnight(now - timedelta(days=days))
    return None


def _absolute_time(value: str) -> datetime | None:
    epoch = _EPOCH.search(value)
    if epoch:
        return datetime.fromtimestamp(int(epoch[1]) / 1000, KST)
    if _ZONE.search(value):
        return datetime.fromisoformat(value).astimezone(KST)
    found = _COMPACT.match(value) or _DATE.search(value)
    if not found:
        return None
    clock = _CLOCK.search(value)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    if "오후" in value and hour < 12:
        hour += 12
    elif "오전" in value and hour == 12:
        hour = 0
    return datetime(int(found[1]), int(found[2]), int(found[3]), hour, minute, second, tzinfo=KST)


def rating_of(value: object) -> float | None:
    """A rating on 0-10; None when there is none or it makes no sense."""
    found = _RATING.fullmatch(str(value))
    rating = float(found[1]) if found else -1.0
    return rating if 0 <= rating <= 10 else None


def matching(films: Iterable[Film], query: str) -> tuple[Film, ...]:
    """The films whose title holds the query or resembles it, the nearest first."""
    wanted = text_key(query)
    rated = []
    for film in films:
        title = text_key(film.title)
        nearness = difflib.SequenceMatcher(None, wanted, title).ratio() + (1.0 if wanted in title else 0.0)
        if nearness >= 0.6:
            rated.append((nearness, film))
    return tuple(film for _, film in sorted(rated, key=lambda pair: -pair[0]))


def aspects_of(markup: str) -> tuple[str, ...]:
    """The aspects named in Megabox's markup or plain list, in the usual order."""
    shown = _TAGS.sub(" ", _unescaped(markup))
    return tuple(aspect for aspect in ASPECTS if aspect in shown)


def hashed_author(name: str | None, salt: bytes) -> str | None:
    """32 hex digits that stand for a nickname and can't be turned back without the salt."""
    if not name or not name.strip():
        return None
    return hashlib.blake2b(storable(name).strip().encode(), key=salt[:64], digest_size=16).hexdigest()


def stable_id(*parts: str) -> str:
    """An id for a row that has none, from what does not change about it."""
    joined = "\x1f".join(text_key(part) for part in parts)
    return "h" + hashlib.blake2b(storable(joined).encode(), digest_size=12).hexdigest()


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
