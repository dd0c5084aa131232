"""The pictures of a run: confusion matrix and reliability diagram."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reelsense.training.evaluate import CALIBRATION_BINS, Evaluation, confidence_bins

_INK = "#1f4e79"
# Margins are given: to have them found takes matplotlib as long as the drawing, with each model that is logged.


def draw_confusion(evaluation: Evaluation, name: str, path: Path) -> None:
    """Write the 2 x 2 confusion matrix of `evaluation` as PNG: counts and shares of the true class."""
    from matplotlib.figure import Figure

    counts = np.asarray(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(4.6, 4.2))
    axes = figure.subplots(gridspec_kw={"left": 0.17, "right": 0.97, "bottom": 0.08, "top": 0.96})
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(2):
        for column in range(2):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{counts[row, column]:,}\n{shares[row, column]:.1%}"
            axes.text(column, row, text, ha="center", va="center", color=colour)
    classes = ("negative", "positive")
    axes.set(
        xticks=(0, 1),
        yticks=(0, 1),
        xticklabels=classes,
        yticklabels=classes,
        xlabel="predicted",
        ylabel="true",
        title=f"{name}: n={evaluation.n:,}, accuracy {evaluation.accuracy:.4f}",
    )
    figure.colorbar(image, shrink=0.8, label="share of the true class")
    figure.savefig(path, dpi=110, format="png")


def draw_reliability(evaluation: Evaluation, name: str, path: Path) -> None:
    """Write the reliability diagram as PNG: accuracy over confidence of the predicted class in equal bins."""
    from matplotlib.figure import Figure

    confidence, bins = confidence_bins(evaluation.positive)
    sizes = np.bincount(bins, minlength=CALIBRATION_BINS)
    used = sizes > 0
    divisor = np.maximum(sizes, 1)
    accuracy = np.bincount(bins, weights=evaluation.right, minlength=CALIBRATION_BINS) / divisor
    mean_confidence = np.bincount(bins, weights=confidence, minlength=CALIBRATION_BINS) / divisor
    figure = Figure(figsize=(4.8, 5.2))
    places = {"left": 0.15, "right": 0.97, "bottom": 0.1, "top": 0.94, "hspace": 0.08}
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1), gridspec_kw=places)
    upper.plot((0.5, 1), (0.5, 1), color="grey", linestyle="--", label="perfectly calibrated")
    upper.plot(mean_confidence[used], accuracy[used], marker="o", color=_INK, label=f"ECE {evaluation.ece:.4f}")
    upper.set(ylabel="accuracy", ylim=(0, 1.02), title=f"{name}: calibration, n={evaluation.n:,}")
    upper.legend(loc="lower right")
    width = 0.5 / CALIBRATION_BINS
    lower.bar(0.5 + width * (np.arange(CALIBRATION_BINS) + 0.5), sizes, width * 0.9, color=_INK)
    lower.set(xlabel="confidence of the predicted class", ylabel="texts", xlim=(0.5, 1))
    figure.savefig(path, dpi=110, format="png")
