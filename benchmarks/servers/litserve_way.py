"""LitServe with batching: MODEL=FOLDER PORT=… python benchmarks/servers/litserve_way.py"""

from __future__ import annotations

import os

import litserve
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


class Sentiment(litserve.LitAPI):  # type: ignore[misc]
    """Batches of what came in 10 ms, padded to the longest."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        folder = os.environ["MODEL"]
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # LitServe takes a type for a query parameter's
        return str(request["text"])

    def predict(self, texts: list[str]) -> list[list[float]]:
        batch = self.tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
        with torch.inference_mode():
            found: list[list[float]] = self.model(**batch).logits.softmax(-1).tolist()
        return found

    def encode_response(self, output: list[float]) -> dict[str, float]:
        return {"negative": output[0], "positive": output[1]}


if __name__ == "__main__":
    api = Sentiment(max_batch_size=32, batch_timeout=0.01)
    litserve.LitServer(api, accelerator="cpu").run(
        port=int(os.environ["PORT"]), generate_client_file=False, log_level="error", host="127.0.0.1"
    )
