"""What routes are given: the service, and the caller's key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import StringConstraints
from starlette.types import Scope as AsgiScope

from reelsense.serving.access import Caller
from reelsense.serving.service import Service
from reelsense.store.keys import ApiKey, Scope


def get_service(request: Request) -> Service:
    """The process's one service."""
    return cast(Service, request.scope["reelsense.service"])


async def allow(request: Request, scope: Scope) -> ApiKey:
    """The caller's key, good for `scope`; counted once for a request, however often it is asked for.

    Raises Unauthorized, Forbidden and RateLimited.
    """
    given = request.scope.get("reelsense.allowed")
    if given is not None and given[0] == scope:
        return cast(ApiKey, given[1])
    access = get_service(request).access
    caller = _caller(request.scope)
    key = access.known(caller)
    if key is None:
        key = await asyncio.to_thread(access.look_up, caller)
    access.allow(key, scope)
    request.scope["reelsense.key"] = key.id
    request.scope["reelsense.allowed"] = (scope, key)
    return key


@dataclass(frozen=True, slots=True)
class Allow:
    """`allow` as a dependency."""

    scope: Scope

    async def __call__(self, request: Request) -> ApiKey:
        return await allow(request, self.scope)


ServiceDep = Annotated[Service, Depends(get_service)]
ReaderDep = Annotated[ApiKey, Depends(Allow("read"))]
PredictorDep = Annotated[ApiKey, Depends(Allow("predict"))]
LabellerDep = Annotated[ApiKey, Depends(Allow("label"))]
AdminDep = Annotated[ApiKey, Depends(Allow("admin"))]

# A source, a pipeline, a topic.
Name = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]{1,40}$")]
# A film, as its source names it.
Code = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,80}$")]
# What is looked for in the store: PostgreSQL takes no NUL.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


def _caller(scope: AsgiScope) -> Caller:
    headers = scope["reelsense.headers"]
    kind, _, given = headers.get(b"authorization", b"").partition(b" ")
    key = given.strip() if kind.lower() == b"bearer" else headers.get(b"x-api-key", b"")
    return Caller(
        key=key.decode("latin-1") or None,
        client=(scope.get("client") or ("",))[0],
        server=(scope.get("server") or ("",))[0] or "",
        host=headers.get(b"host", b"").decode("latin-1"),
        forwarded=b"x-forwarded-for" in headers or b"forwarded" in headers,
        origin=headers.get(b"origin", b"").decode("latin-1"),
    )
