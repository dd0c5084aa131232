"""The earlier systems' way: FastAPI over a transformers pipeline, one text at a time, padded to 300.

MODEL=FOLDER uvicorn --app-dir benchmarks/servers earlier_way:app
"""

from __future__ import annotations

import os
import threading

from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

folder = os.environ["MODEL"]
classify = pipeline("text-classification", model=folder, tokenizer=folder, device=-1)
app = FastAPI()
one_at_a_time = threading.Lock()


class Body(BaseModel):
    text: str


@app.post("/predict")
def predict(body: Body) -> dict[str, object]:
    with one_at_a_time:
        found: dict[str, object] = classify(body.text, padding="max_length", max_length=300, truncation=True)[0]
    return found
