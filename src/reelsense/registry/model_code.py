"""The MLflow model of every version, logged as this source file ("models from code"): nothing is pickled.

MLflow runs this file when it loads a version; the model folder lies beside it as the artifact `model`. It needs
reelsense to be installed where it is loaded.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class SentimentModel(PythonModel):  # type: ignore[misc]
    """Texts in; sentiment, confidence and the probability of positive out."""

    def load_context(self, context: Any) -> None:
        """Load the classifier from the model folder."""
        from pathlib import Path

        from reelsense.models.loading import load_folder

        self._classifier = load_folder(Path(context.artifacts["model"]))

    def predict(
        self,
        context: Any,  # noqa: ARG002 - the name is MLflow's
        model_input: pd.DataFrame,
        params: dict[str, Any],
    ) -> pd.DataFrame:
        """`model_input` holds the texts in its first column; MLflow makes it of a list or Series.

        Returns one row for each text: sentiment (negative, neutral, positive), confidence, positive. `params` holds
        `neutral_below`, the top probability under which the answer is neutral; MLflow knows its default from the
        signature.
        """
        from reelsense.models.base import predict

        first = model_input.iloc[:, 0] if isinstance(model_input, pd.DataFrame) else model_input
        texts = ["" if text is None else str(text) for text in first]
        answers = predict(self._classifier, texts, float(params["neutral_below"]))
        return pd.DataFrame(
            {
                "sentiment": [answer.label.value for answer in answers],
                "confidence": [answer.confidence for answer in answers],
                "positive": [answer.positive for answer in answers],
            }
        )


set_model(SentimentModel())
