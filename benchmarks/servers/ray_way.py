"""Ray Serve with batching: MODEL=FOLDER PORT=… python benchmarks/servers/ray_way.py"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import ray
import torch
from ray import serve
from transformers import AutoModelForSequenceClassification, AutoTokenizer


@serve.deployment(max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Sentiment:
    """Batches of what came in 10 ms, padded to the longest."""

    def __init__(self, folder: str) -> None:
        torch.set_num_threads(2)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.01)
    async def score(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._score, texts)

    def _score(self, texts: list[str]) -> list[list[float]]:
        batch = self.tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
        with torch.inference_mode():
            found: list[list[float]] = self.model(**batch).logits.softmax(-1).tolist()
        return found

    async def __call__(self, request: Any) -> dict[str, float]:
        negative, positive = await self.score((await request.json())["text"])
        return {"negative": negative, "positive": positive}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
    serve.run(Sentiment.bind(os.environ["MODEL"]))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
