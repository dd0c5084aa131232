"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

from generate.markdown import cell, code, table

_HEAD = """# Commands

Every command, from the program itself; `reelsense COMMAND --help` says the same. What a user did wrong ends with exit
code 2 and one line that says what to do; a check that fails ends with 1.

"""


def command_tree() -> Any:
    """The root of the command line's tree of commands."""
    import typer

    from reelsense.cli.main import app

    return typer.main.get_command(app)


def walk(command: Any, name: str = "reelsense") -> Iterator[tuple[str, Any]]:
    """Every command under its full name, groups before what is in them."""
    yield name, command
    for word, one in getattr(command, "commands", {}).items():
        yield from walk(one, f"{name} {word}")


def commands_page() -> str:
    """The page `reference/commands.md`."""
    return _HEAD + "\n".join(_section(name, command) for name, command in walk(command_tree()))


def _section(name: str, command: Any) -> str:
    hints, defaults = _signature(command.callback)
    arguments, options = [], []
    for one in command.params:
        kind = _kind(hints.get(one.name))
        help_ = cell(one.help or "")
        if one.opts[0].startswith("-"):
            default = "" if one.is_flag or not one.default else code(defaults.get(one.name) or one.default)
            needed = "yes" if one.required else ("repeatable" if one.multiple else "")
            spelled = ", ".join(code(each) for each in (*one.opts, *one.secondary_opts))
            options.append((spelled, "" if one.is_flag else code(one.metavar or kind), default, needed, help_))
        else:
            options_of = code(one.metavar or one.name.upper())
            arguments.append((options_of, code(kind), "yes" if one.required else "", help_))
    parts = [f"## `{name}`\n", f"{cell(command.help or '')}\n"]
    if getattr(command, "commands", None):
        parts.append("Commands: " + ", ".join(code(word) for word in command.commands) + "\n")
    parts.append(table(("argument", "what", "required", ""), arguments))
    parts.append(table(("option", "value", "default", "required", ""), options))
    return "\n".join(part for part in parts if part)


def _signature(callback: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    if callback is None:
        return {}, {}
    function = inspect.unwrap(callback)
    parameters = inspect.signature(function).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    return typing.get_type_hints(function), defaults


def _kind(hint: Any) -> str:
    """What a value is: its choices, or the name of its type."""
    if typing.get_origin(hint) is typing.Literal:
        return "|".join(str(one) for one in typing.get_args(hint))
    if typing.get_origin(hint) in (typing.Union, types.UnionType, list):
        return _kind(next((one for one in typing.get_args(hint) if one is not type(None)), None))
    return {"Path": "PATH", "int": "INTEGER", "float": "NUMBER", "datetime": "YYYY-MM-DD", "bool": ""}.get(
        getattr(hint, "__name__", ""), "TEXT"
    )
