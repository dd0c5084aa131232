"""Refuses to start the containers with passwords that are missing, from the example, short, shared or unusable.

Run by docker-compose.yml before anything else, with the passwords in the environment; also `make up`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

SHORTEST = 12
DATABASE = ("POSTGRES_PASSWORD", "AIRFLOW_DB_PASSWORD", "MLFLOW_DB_PASSWORD", "REVIEWS_DB_PASSWORD")
PEOPLE = ("AIRFLOW_ADMIN_PASSWORD", "GATE_PASSWORD")
PAGE = "REELSENSE_PAGE__ADMIN_PASSWORD"
KEY = "REELSENSE_LINKS__API_KEY"
SALT = "REELSENSE_PAGE__SALT"
_EXAMPLE = "change-me"
_IN_ADDRESS = re.compile(r"[A-Za-z0-9._~-]+")
_KEY = re.compile(r"rs_[0-9a-f]{12}_[A-Za-z0-9_-]{32,}")


def faults(environment: Mapping[str, str]) -> list[str]:
    """What is wrong with the passwords, a line each; the passwords themselves are never in it."""
    asked = [*DATABASE, *PEOPLE, KEY, SALT]
    if not environment.get("REELSENSE_PAGE__OIDC_CLIENT_ID"):
        asked.append(PAGE)
    found: list[str] = []
    seen: dict[str, str] = {}
    for name in asked:
        value = environment.get(name, "")
        if not value:
            found.append(f"{name} is not set.")
        elif _EXAMPLE in value.casefold():
            found.append(f"{name} is still the example's.")
        elif len(value) < SHORTEST:
            found.append(f"{name} has less than {SHORTEST} characters.")
        elif value in seen:
            found.append(f"{name} is the same as {seen[value]}.")
        elif name in DATABASE and not _IN_ADDRESS.fullmatch(value):
            found.append(f"{name} may hold letters, digits and . _ ~ - only: it stands in an address.")
        elif name == KEY and not _KEY.fullmatch(value):
            found.append(f"{name} is not of the form rs_<12 hex digits>_<32 or more letters, digits, - or _>.")
        else:
            seen[value] = name
    return found


def main() -> int:
    """0, or 2 after saying what is wrong."""
    wrong = faults(os.environ)
    for line in wrong:
        print(f".env: {line}", file=sys.stderr)
    if wrong:
        print("Nothing was started. `make env` writes an .env with passwords of its own.", file=sys.stderr)
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
