"""The pages of the reference, each written from the code when the site is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generate.commands import commands_page
from generate.endpoints import api_page
from generate.metrics import metrics_page
from generate.objects import objects_page
from generate.settings import settings_page
from generate.tables import tables_page

PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "api.md": api_page,
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "tables.md": tables_page,
    "objects.md": objects_page,
}
