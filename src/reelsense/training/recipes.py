"""The recipes at hand, for people to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from reelsense.errors import SettingsError
from reelsense.sections import ModelSettings
from reelsense.settings import read_recipe, recipe_folder


@dataclass(frozen=True, slots=True)
class Recipe:
    """`model` is what it trains (baseline, scratch, a Hugging Face name); `problem` is why it can't be read."""

    name: str
    description: str
    model: str
    problem: str = ""


def list_recipes() -> list[Recipe]:
    """All recipes of `configs/` by name; a damaged one with its problem."""
    found = []
    for path in sorted(recipe_folder().glob("*.yaml")):
        try:
            model = read_recipe(path.stem).get("model", {}).get("name", ModelSettings().name)
            problem = ""
        except SettingsError as error:
            model, problem = "", str(error)
        found.append(Recipe(path.stem, _first_comment(path.read_text("utf-8", errors="replace")), str(model), problem))
    return found


def _first_comment(text: str) -> str:
    """The sentences of the first line, if it is a comment."""
    first = text.partition("\n")[0]
    if not first.startswith("#"):
        return ""
    said = first.lstrip("# ").strip()
    # A sentence that goes on in the next line is left out.
    return said if said.endswith((".", ":")) or ". " not in said else said[: said.rindex(". ") + 1]
