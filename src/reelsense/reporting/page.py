"""A page as one HTML file that needs no network: one frame, an embedded Plotly, written complete or not at all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from plotly.offline import get_plotlyjs

from reelsense.tables.opening import replacing
from reelsense.types import KST


def write_page(template: str, path: Path, language: str, made_at: datetime, **values: Any) -> Path:
    """Render `template`, which extends page.html.j2, to `path`. What people wrote is escaped.

    Raises InputError when it can't be written.
    """
    # The package loader is bound to the package's folder; autoescape keeps a review's markup from being run.
    environment = Environment(
        loader=PackageLoader("reelsense.reporting", "."), autoescape=select_autoescape(["j2", "html"]), trim_blocks=True
    )
    made = made_at.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")
    page = environment.get_template(template).render(language=language, made=made, plotly=get_plotlyjs(), **values)
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    return path
