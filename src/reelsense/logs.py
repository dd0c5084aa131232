"""Structured logs to standard error, with secrets taken out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from reelsense.printable import printable

_WORDS = r"passw(?:or)?d|secret|token|api_?key|access_?key|private_?key|authorization|cookie|credential|salt"
_SECRET_KEY = re.compile(rf"{_WORDS}|^key$", re.IGNORECASE)
# Everything before the last @ of the authority: a password may hold an unescaped @, a token may stand alone.
_IN_URL = re.compile(r"(\w+://)[^/\s]+@")
_IN_QUERY = re.compile(rf"([?&][\w.\-]*(?:{_WORDS}|key|signature)[\w.\-]*=)[^&\s'\"]+", re.IGNORECASE)
_HIDDEN = "***"


def configure_logs(level: str = "INFO", format_: Literal["console", "json"] = "console") -> None:
    """Send events of `level` and above to standard error, as text for people or as a JSON object a line."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format_ == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            tell_apart,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # Asked for anew each time: who redirects standard error meanwhile gets what is logged.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of secret-looking keys and the credentials in URLs, however deep they lie."""
    return {key: _hidden(key, value) for key, value in event.items()}


def names_a_secret(key: str) -> bool:
    """Whether what goes by this name is not for people to read."""
    return _SECRET_KEY.search(key) is not None


def tell_apart(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Nothing that a text of others holds begins a line of its own, or speaks to the terminal that shows it.

    Both renderers write a line feed of a value as its code; a traceback keeps its lines, set in from the margin.
    """
    told = {key: _told_apart(value) for key, value in event.items()}
    if isinstance(trace := event.get("exception"), str):
        told["exception"] = "\n".join(f"    {line}" for line in printable(trace).split("\n"))
    return told


def _told_apart(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(inner)): _told_apart(found) for inner, found in value.items()}
    return [_told_apart(found) for found in value] if isinstance(value, list) else value


def _hidden(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value  # a number of tokens is no token
    if names_a_secret(key):
        return _HIDDEN
    if isinstance(value, dict):
        return {str(inner): _hidden(str(inner), found) for inner, found in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden("", found) for found in value]
    # Errors, paths and URL objects show themselves as text.
    return _IN_QUERY.sub(rf"\1{_HIDDEN}", _IN_URL.sub(rf"\1{_HIDDEN}@", str(value)))
