"""The charts of a data description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from reelsense.reporting.charts import COLOURS, chart_html
from reelsense.reporting.words import Words
from reelsense.training.class_tokens import ClassTokens
from reelsense.training.describe import CLASSES, UNLABELLED, DataDescription, Lengths, Period

_COLOURS = {**COLOURS, UNLABELLED: "#8d99ae"}
_LINE = "#33658a"
# Beyond this many bars a histogram is no longer read.
_BINS = 60


def classes_chart(classes: Mapping[str, int], words: Words) -> str:
    """Rows by class."""
    figure = go.Figure()
    total = max(1, sum(classes.values()))
    for name, count in classes.items():
        figure.add_bar(
            x=[count],
            y=[""],
            orientation="h",
            name=words[name],
            marker_color=_COLOURS[name],
            text=f"{100 * count / total:.1f}%",
            textposition="inside",
            insidetextanchor="middle",
            hovertemplate=f"{words[name]}: {count:,}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    return chart_html(figure, 130)


def lengths_chart(lengths: Mapping[str, Lengths], words: Words) -> str:
    """Share of each class's texts by length in characters, up to the length that 99 % stay under."""
    end = max((found.p99 for found in lengths.values()), default=1)
    width = max(1, -(-end // _BINS))
    figure = go.Figure()
    for name in CLASSES:
        if name in lengths:
            edges, shares = _binned(lengths[name].counts, width, end)
            figure.add_scatter(
                x=edges, y=shares, mode="lines", name=words[name], line={"color": _COLOURS[name], "shape": "spline"}
            )
    figure.update_layout(xaxis={"title": words["characters"]}, yaxis={"ticksuffix": "%", "rangemode": "tozero"})
    return chart_html(figure, 280)


def tokens_chart(found: Sequence[ClassTokens], words: Words) -> str:
    """Share of texts by number of tokens, a line a tokenizer."""
    figure = go.Figure()
    for tokens in found:
        total, ranked = 0, sorted(tokens.lengths.items())
        end = 1
        for size, count in ranked:
            total += count
            end = size
            if total >= 0.99 * tokens.texts:
                break
        edges, shares = _binned(tokens.lengths, max(1, -(-end // _BINS)), end)
        figure.add_scatter(x=edges, y=shares, mode="lines", name=tokens.tokenizer)
    figure.update_layout(xaxis={"title": words["tokens"]}, yaxis={"ticksuffix": "%", "rangemode": "tozero"})
    return chart_html(figure, 280)


def ratings_chart(ratings: Mapping[float, int], words: Words) -> str:
    """Rows by rating."""
    figure = go.Figure()
    colours = [COLOURS["negative"] if one <= 4 else COLOURS["positive"] if one >= 9 else "#a59a80" for one in ratings]
    figure.add_bar(x=list(ratings), y=list(ratings.values()), marker_color=colours, name=words["ratings"])
    figure.update_layout(xaxis={"title": words["rating"], "dtick": 1}, showlegend=False)
    return chart_html(figure, 260)


def periods_chart(periods: Sequence[Period], words: Words) -> str:
    """Texts over time by class, and the mean of their ratings."""
    figure = go.Figure()
    begins = [period.begins for period in periods]
    known = 0
    for name in ("positive", "neutral", "negative"):
        counts = [getattr(period, name) for period in periods]
        known += sum(counts)
        if any(counts):
            figure.add_bar(x=begins, y=counts, name=words[name], marker_color=_COLOURS[name])
    if known < sum(period.texts for period in periods):
        rest = [period.texts - period.positive - period.neutral - period.negative for period in periods]
        figure.add_bar(x=begins, y=rest, name=words[UNLABELLED], marker_color=_COLOURS[UNLABELLED])
    if any(period.mean_rating is not None for period in periods):
        figure.add_scatter(
            x=begins,
            y=[period.mean_rating for period in periods],
            yaxis="y2",
            mode="lines+markers",
            line_color=_LINE,
            name=words["mean_rating"],
        )
        figure.update_layout(yaxis2={"overlaying": "y", "side": "right", "range": [0, 10.2], "showgrid": False})
    # As words, else Plotly would take "2015" for a number and "2015-08" for its first day.
    figure.update_layout(barmode="stack", xaxis={"type": "category"})
    return chart_html(figure, 320)


def deciding_chart(sides: Mapping[str, Sequence[tuple[str, float]]], words: Words) -> str:
    """What stands for each class, by z-score: positive to the right, negative to the left."""
    figure = go.Figure()
    rows = max((len(found) for found in sides.values()), default=0)
    for name, sign in (("negative", -1), ("positive", 1)):
        found = list(sides.get(name, ()))
        figure.add_bar(
            x=[sign * weight for _, weight in found],
            y=list(range(len(found))),
            orientation="h",
            name=words[name],
            marker_color=_COLOURS[name],
            text=[text for text, _ in found],
            textposition="auto",
            hovertemplate="%{text}: %{x:.1f}<extra></extra>",
        )
    figure.update_layout(
        barmode="overlay", yaxis={"autorange": "reversed", "showticklabels": False}, xaxis={"title": "z"}
    )
    return chart_html(figure, 90 + 24 * rows)


def charts_of(found: DataDescription, words: Words) -> dict[str, Any]:
    """All charts of a description by name; "" where there is nothing to show."""
    read = [tokens for tokens in found.tokenizers if not tokens.missing]
    ngrams = {name: [(one.text.replace(" ", "␣"), one.weight) for one in side] for name, side in found.ngrams.items()}
    return {
        "classes": classes_chart(found.classes, words),
        "lengths": lengths_chart(found.lengths, words),
        "tokens": tokens_chart(read, words) if read else "",
        "ratings": ratings_chart(found.ratings, words) if found.ratings else "",
        "periods": periods_chart(found.periods, words) if found.periods else "",
        "ngrams": deciding_chart(ngrams, words) if any(ngrams.values()) else "",
        "words": [
            deciding_chart(
                {name: [(word.word, word.weight) for word in side] for name, side in tokens.differing.items()}, words
            )
            if any(tokens.differing.values())
            else ""
            for tokens in found.tokenizers
        ],
    }


def _binned(counts: Mapping[int, int], width: int, end: int) -> tuple[list[int], list[float]]:
    """Lower edges of bins up to `end`, and the share of all texts in each, in percent."""
    total = max(1, sum(counts.values()))
    bins = [0] * (end // width + 1)
    for size, count in counts.items():
        if size <= end:
            bins[size // width] += count
    return [at * width for at in range(len(bins))], [100 * count / total for count in bins]
