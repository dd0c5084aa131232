"""An endpoint that does nothing: what FastAPI and uvicorn themselves take."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()


@app.post("/empty")
async def empty() -> dict[str, str]:
    return {}
