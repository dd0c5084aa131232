"""What Prometheus can ask of a running service."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))


class Tally(Collector):
    """A histogram by labels that takes values in a fraction of a microsecond; for one thread, as an event loop is."""

    def __init__(self, name: str, help_: str, label: str, bounds: tuple[float, ...], registry: CollectorRegistry):
        self._name, self._help, self._label, self._bounds = name, help_, label, bounds
        self._kept: dict[str, tuple[list[int], list[float]]] = {}
        registry.register(self)

    def observe(self, label: str, value: float) -> None:
        """Count a value."""
        kept = self._kept.get(label)
        if kept is None:
            kept = self._kept[label] = ([0] * (len(self._bounds) + 1), [0.0])
        kept[0][bisect_left(self._bounds, value)] += 1
        kept[1][0] += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """For the registry."""
        family = HistogramMetricFamily(self._name, self._help, labels=[self._label] if self._label else None)
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        for label, (counts, total) in self._kept.items():
            buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
            family.add_metric([label] if self._label else [], buckets, total[0])
        yield family


class Metrics:
    """Counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        to = self.registry = CollectorRegistry()
        ProcessCollector(registry=to)
        self._requests = Counter("reelsense_requests", "Requests answered", ["path", "status"], registry=to)
        self._seconds = Tally("reelsense_request_seconds", "Time to answer a request", "path", _SECONDS, to)
        self._refused = Counter("reelsense_refused", "Requests not taken, by reason", ["reason"], registry=to)
        self._rows = Histogram("reelsense_batch_rows", "Texts of a batch", buckets=_ROWS, registry=to)
        self._tokens = Counter("reelsense_tokens", "Tokens (or characters) computed", registry=to)
        self._batch = Histogram("reelsense_batch_seconds", "Time to compute a batch", buckets=_SECONDS, registry=to)
        self.queue = Gauge("reelsense_queue_tokens", "Tokens (or characters) that wait", registry=to)
        self._scores = Tally("reelsense_score", "Probability of positive", "", _TENTHS, to)
        self._texts = Counter("reelsense_texts", "Texts answered, computed or from the cache", ["from"], registry=to)
        self._model = Gauge(
            "reelsense_model", "1 for the version that serves", ["version", "alias", "origin"], registry=to
        )
        self._swaps = Counter("reelsense_model_swaps", "New versions taken or refused", ["outcome"], registry=to)
        self._shadow = Counter("reelsense_shadow", "Texts also scored by the candidate", ["outcome"], registry=to)
        self._shadow_seconds = Histogram(
            "reelsense_shadow_seconds", "Time of the candidate for a request's texts", buckets=_SECONDS, registry=to
        )
        self._by_path: dict[tuple[str, int], Counter] = {}
        self._computed, self._cached = self._texts.labels("model"), self._texts.labels("cache")

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request of a route (its pattern, not its address) is answered."""
        found = self._by_path.get((path, status))
        if found is None:
            found = self._by_path[path, status] = self._requests.labels(path, str(status))
        found.inc()
        self._seconds.observe(path, seconds)

    def refused(self, reason: str) -> None:
        """A request was not taken."""
        self._refused.labels(reason).inc()

    def batch_done(self, rows: int, tokens: int, seconds: float) -> None:
        """A batch was computed."""
        self._rows.observe(rows)
        self._tokens.inc(tokens)
        self._batch.observe(seconds)

    def scored(self, fresh: Iterable[float], computed: int, cached: int) -> None:
        """Texts got their probabilities."""
        for value in fresh:
            self._scores.observe("", value)
        if computed:
            self._computed.inc(computed)
        if cached:
            self._cached.inc(cached)

    def serves(self, version: str, alias: str, origin: str) -> None:
        """A version serves from now on."""
        self._model.clear()
        self._model.labels(version, alias, origin).set(1)

    def swapped(self, outcome: str) -> None:
        """A new version was `taken` or `refused`."""
        self._swaps.labels(outcome).inc()

    def shadowed(self, agreed: int, differed: int, seconds: float) -> None:
        """The candidate scored the texts of a request too."""
        self._shadow.labels("agreed").inc(agreed)
        self._shadow.labels("differed").inc(differed)
        self._shadow_seconds.observe(seconds)

    def shadow_dropped(self, texts: int) -> None:
        """The candidate was too busy for some texts."""
        self._shadow.labels("dropped").inc(texts)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
