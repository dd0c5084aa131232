"""The reference of the settings, from the object that holds them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generate.markdown import cell, code, table

_HEAD = """# Settings

Every setting. From the command line `--set KEY=VALUE` before the command, from the environment or `.env` by the
variable, from a recipe in `configs/` by the key; in this order the first counts. `reelsense settings` shows what is in
force. Lists from the environment are written with commas where the type says *list of words*, else as JSON; an empty
variable counts as not set. A *secret* is shown in no output and no error.

"""


def settings_page() -> str:
    """The page `reference/settings.md`."""
    from reelsense.settings import Settings

    parts = [_HEAD, "## General\n", table(_COLUMNS, _rows(Settings, ""))]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and hasattr(section, "model_fields"):
            about = " ".join((section.__doc__ or "").split())
            parts += [f"## `{name}`\n", f"{cell(about)}\n", table(_COLUMNS, _rows(section, f"{name}."))]
    return "\n".join(parts)


_COLUMNS = ("key and variable", "type", "default", "what")


def _rows(model: Any, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    from reelsense.settings import PREFIX

    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
            continue
        key = prefix + name
        variable = PREFIX + key.upper().replace(".", "__")
        split = any(type(one).__name__ == "_NoDecode" or "NoDecode" in repr(one) for one in field.metadata)
        kind = "list of words" if split else _kind(field.annotation)
        bounds = ", ".join(filter(None, (_bound(one) for one in field.metadata)))
        said = cell(field.description or "")
        names = f"{code(key)}<br>{code(variable)}"
        yield names, cell(kind), _default(field.default), ", ".join(filter(None, (said, bounds)))


def _kind(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _kind(inner[0])
    if origin is typing.Literal:
        return ", ".join(str(one) for one in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if one is type(None) else _kind(one) for one in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"mapping of {_kind(inner[0])} to {_kind(inner[1])}"
    if hasattr(hint, "model_fields"):
        return "{" + ", ".join(f"{name}: {_kind(one.annotation)}" for name, one in hint.model_fields.items()) + "}"
    return {"str": "text", "int": "integer", "float": "number", "bool": "true, false", "SecretStr": "secret"}.get(
        hint.__name__, "path" if issubclass(hint, Path) else hint.__name__
    )


def _default(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return ""
    return code(", ".join(value) if isinstance(value, tuple) else value)


def _bound(one: Any) -> str:
    marks = {"ge": "≥", "gt": "&gt;", "le": "≤", "lt": "&lt;", "multiple_of": "a multiple of"}
    return ", ".join(
        f"{shown} {getattr(one, name):,}" for name, shown in marks.items() if getattr(one, name, None) is not None
    )
