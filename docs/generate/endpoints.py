"""The reference of the API, from the application's own description."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generate.markdown import cell, code, table

_APP = Path(__file__).resolve().parents[2] / "fastapi"
_HEAD = """# API

Every endpoint, from the service's own description (`/openapi.json`, and as a page to try them at `/docs`). A key is
sent as `Authorization: Bearer KEY`; it needs the scope that stands at the endpoint
([keys and roles](../how-to/keys-and-roles.md)).

"""


def application() -> Any:
    """The API as it is served, by the settings' defaults; nothing is opened."""
    if str(_APP) not in sys.path:
        sys.path.append(str(_APP))
    from app.main import create_app
    from reelsense.settings import Settings

    return create_app(Settings(_env_file=None))


def api_page() -> str:
    """The page `reference/api.md`."""
    app = application()
    from app.authorisation import route_scopes

    described = app.openapi()
    scopes = {(one.method, one.path): one.scope for one in route_scopes(app)}
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            tag = next(iter(operation.get("tags", ())), "others")
            by_tag[tag].append(_section(path, method.upper(), operation, scopes.get((method.upper(), path)), described))
    parts = [_HEAD, _problems()]
    for tag, sections in by_tag.items():
        parts += [f"## {tag}\n", *sections]
    return "\n".join(parts) + "\n" + _shapes(described)


def _section(path: str, method: str, operation: Mapping[str, Any], scope: str | None, described: Any) -> str:
    needed = f"Scope: `{scope}`." if scope else ("A key." if operation.get("security") else "No key.")
    about = cell(operation.get("description") or operation.get("summary") or "")
    parts = [f"### `{method} {path}`\n", f"{about} {needed}\n"]
    rows = [
        (code(one["name"]), one["in"], code(_type(one["schema"])), "yes" if one.get("required") else "", _note(one))
        for one in operation.get("parameters", ())
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        if kind == "multipart/form-data" and "$ref" in schema:
            parts.append(f"Body: a form as `{kind}`\n")
            rows += _form(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        else:
            parts.append(f"Body: {_shape(schema)} as `{kind}`\n")
    parts.append(table(("parameter", "where", "type", "required", ""), rows))
    answers = [
        (status, _answer(answer)) for status, answer in operation["responses"].items() if status.startswith(("2", "3"))
    ]
    parts.append(table(("answer", ""), answers))
    return "\n".join(part for part in parts if part)


def _form(schema: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    needed = schema.get("required", ())
    return [
        (code(name), "form", code(_type(one)), "yes" if name in needed else "", cell(one.get("description", "")))
        for name, one in schema.get("properties", {}).items()
    ]


def _problems() -> str:
    from app.problems import _FULL, _INTERNAL, _KINDS

    kinds = [(status, name, title) for _, status, name, _, title in _KINDS]
    kinds += [(status, name, title) for status, name, _, title in (_FULL, _INTERNAL)]
    rows = [(str(status), code(f"urn:reelsense:problem:{name}"), cell(title)) for status, name, title in sorted(kinds)]
    head = "## Errors\n\nProblem details (RFC 9457), [Problem](#problem), as `application/problem+json`. A program "
    return head + "looks at `type`.\n\n" + table(("status", "type", "title"), rows)


def _shapes(described: Mapping[str, Any]) -> str:
    parts = ["## Shapes\n", "What bodies and answers are made of.\n"]
    for name, schema in sorted(described["components"]["schemas"].items()):
        if name.startswith("Body_") or name in ("HTTPValidationError", "ValidationError"):
            continue
        rows = [
            (code(field), _shape(one), "yes" if field in schema.get("required", ()) else "", _note({"schema": one}))
            for field, one in schema.get("properties", {}).items()
        ]
        choices = f"One of {', '.join(code(one) for one in schema['enum'])}.\n" if "enum" in schema else ""
        parts += [f"### {name}\n", f"{cell(schema.get('description', ''))}\n", choices]
        parts.append(table(("field", "type", "required", ""), rows))
    return "\n".join(parts)


def _answer(answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {})
    shown = ", ".join(f"{_shape(one.get('schema', {}))} as `{kind}`" for kind, one in content.items())
    return shown or cell(answer.get("description", ""))


def _note(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema", {})
    default = schema.get("default")
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    said = cell(parameter.get("description") or schema.get("description") or "")
    return " ".join(part for part in (said, f"default {code(default)}" if default else "", ", ".join(bounds)) if part)


_BOUNDS = {"minimum": "at least", "maximum": "at most", "maxLength": "characters at most", "maxItems": "items at most"}


def _shape(schema: Mapping[str, Any]) -> str:
    """A type, with links to the shapes in it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return " or ".join(_shape(one) for one in several)
    if schema.get("type") == "array":
        return f"list of {_shape(schema.get('items', {}))}"
    return code(_type(schema)) or "any"


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "|".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return " or ".join(_type(one) for one in several if one.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("format") or schema.get("type") or "")
