"""Save the encoder for `mlflow models serve`: MODEL=FOLDER python benchmarks/servers/mlflow_way.py OUT

The file is the model, too ("models from code"): texts of a request are one batch, padded to the longest.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import mlflow
from mlflow.models import set_model


class Sentiment(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Texts in the first column."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = os.environ["MODEL"]
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> list[list[float]]:  # noqa: ARG002
        import torch

        texts = model_input.iloc[:, 0].tolist()
        batch = self.tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
        with torch.inference_mode():
            found: list[list[float]] = self.model(**batch).logits.softmax(-1).tolist()
        return found


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[1], python_model=__file__, pip_requirements=[])
else:
    set_model(Sentiment())
