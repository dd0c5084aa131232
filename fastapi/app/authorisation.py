"""Which scope each route asks for, read from the routes themselves; and routes that ask before they read a body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.deps import Allow, allow
from app.routes.predict import DirectRoute
from reelsense.store.keys import SCOPES, Scope

OPEN = frozenset({"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})


@dataclass(frozen=True, slots=True)
class RouteScope:
    """A route with the scope that a key needs for it; None: nothing is asked for."""

    method: str
    path: str
    scope: Scope | None


def route_scopes(app: FastAPI) -> list[RouteScope]:
    """All routes of the app in their order. Raises LookupError for one that neither names a scope nor is in `OPEN`."""
    found = []
    for route in app.routes:
        scope = _declared(route)
        path = str(getattr(route, "path", route))
        if (scope is None) != (path in OPEN):
            raise LookupError(f"{path} asks for {scope or 'no scope'}: declare one, or name it in authorisation.OPEN.")
        methods = getattr(route, "methods", None) or {"*"}
        found += [RouteScope(method, path, scope) for method in sorted(methods - {"HEAD"})]
    return found


def scope_table(rows: Iterable[RouteScope]) -> str:
    """The routes as a table of Markdown: one line a route, a dot for each scope whose key is let through."""
    head = ["route", "no key", *SCOPES]
    lines = [f"| {' | '.join(head)} |", f"|---|{':-:|' * (len(head) - 1)}"]
    for row in rows:
        allowed = ["●" if row.scope is None else "", *("●" if _good_for(one, row.scope) else "" for one in SCOPES)]
        lines.append(f"| `{row.method} {row.path}` | {' | '.join(allowed)} |")
    return "\n".join(lines)


def _good_for(key: Scope, needed: Scope | None) -> bool:
    return needed is None or key in (needed, "admin")


def _declared(route: BaseRoute) -> Scope | None:
    if isinstance(route, DirectRoute):
        return route.needs
    if not isinstance(route, APIRoute):
        # The description's own pages are plain routes; what else is no API route has nobody who asks for keys.
        if not isinstance(route, Route):
            raise LookupError(f"{route!r} is no route whose scope could be told.")
        return None
    scopes = set(_scopes(route.dependant))
    if len(scopes) > 1:
        raise LookupError(f"{route.path} asks for {', '.join(sorted(scopes))}: one scope is enough.")
    return scopes.pop() if scopes else None


def _scopes(dependant: Dependant) -> Iterator[Scope]:
    for one in dependant.dependencies:
        if isinstance(one.call, Allow):
            yield one.call.scope
        yield from _scopes(one)


class KeyFirst(APIRoute):
    """Checks the key before it reads the body: whoever may not send a file has none taken from them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler behind the check."""
        answer = super().get_route_handler()
        scopes = list(dict.fromkeys(_scopes(self.dependant)))

        async def checked(request: Request) -> Response:
            for scope in scopes:
                await allow(request, scope)
            return await answer(request)

        return checked
