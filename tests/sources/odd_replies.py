"""What the tests' own site is asked and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None


@dataclass
class Asked:
    method: str
    path: str
    body: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class OddSite:
    """`answer` decides; `asked` remembers all requests but those for robots.txt."""

    url: str = ""
    robots: Reply = field(default_factory=lambda: Reply(status=404))
    answer: Callable[[Asked], Reply] = lambda _: Reply("{}")
    asked: list[Asked] = field(default_factory=list)
    robots_asked: int = 0
