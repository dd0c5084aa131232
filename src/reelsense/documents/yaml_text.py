"""YAML from elsewhere, read in a time and memory that its size allows."""

from __future__ import annotations

from typing import Any

import yaml

# Recipes have a dozen lines, the tests of behaviours some pages.
LONGEST, DEEPEST = 200_000, 20


def parse_yaml(text: str) -> Any:
    """The value of a text without references (`*name`), whose unfolding has no end. Raises ValueError for any other."""
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST:,} characters")
    try:
        _check(text)
        return yaml.safe_load(text)
    # Not only its own: a date that is none, a truth that is no yes, a tag on what it does not fit.
    except (yaml.YAMLError, OverflowError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _check(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("references (*name) are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
