"""Keys with dots, as settings are named, and the nested mappings that files hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reelsense.errors import SettingsError


def flat_keys(values: Mapping[str, Any], whole: Collection[str] = (), prefix: str = "") -> Iterator[str]:
    """The dotted key of each leaf; mappings under the keys `whole` are leaves themselves."""
    for key, value in values.items():
        if isinstance(value, dict) and f"{prefix}{key}" not in whole:
            yield from flat_keys(value, whole, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as a tree. Raises SettingsError for a key that stands beside its parent."""
    for key in dotted:
        below = next((other for other in dotted if other.startswith(f"{key}.")), None)
        if below is not None:
            raise SettingsError(f"'{below}' is set beside '{key}' as a whole: give one of them.")
    tree: dict[str, Any] = {}
    for key, value in dotted.items():
        *parents, leaf = key.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree
