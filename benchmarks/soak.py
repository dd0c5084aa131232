"""The API for an hour: memory and response times while people predict, look at films, label and send files.

    python benchmarks/soak.py [--minutes 60] [--share 0.7]

Starts the service with the bundled model over a store of a few films, measures the rate that it can answer at most with
this mixture, and then asks at `--share` of it, at random times as many people do. Every ten seconds a line goes to
`.reelsense/benchmarks/soak.csv`; at the end the chart is docs/images/soak.png and the numbers are in the README.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import load
import numpy as np
import psutil
from kept_results import FOLDER
from running import Server, running_api
from tables import publish, table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "fastapi"))
from filled_store import fill  # noqa: E402

CHART = ROOT / "docs" / "images" / "soak.png"
SLICE_SECONDS = 10.0
CONNECTIONS = 32
# Of a hundred requests.
MIXTURE = {"predict": 80, "film": 12, "label": 6, "file": 2}
WORDS = (
    "배우",
    "연기",
    "스토리",
    "결말",
    "음악",
    "영상",
    "정말",
    "너무",
    "지루하다",
    "훌륭했다",
    "돈이",
    "아깝다",
    "최고",
)


@dataclass(frozen=True)
class Slice:
    """Ten seconds: when, megabytes of the process, milliseconds, answers by kind."""

    seconds: float
    rss_mb: float
    p50: float
    p95: float
    p99: float
    answered: int
    refused: int
    failed: int


def main() -> None:
    """Start, measure the peak, load, draw."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--share", type=float, default=0.7)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="reelsense-soak-") as temporary:
        fill(Path(temporary))
        with running_api(Path(temporary), model="bundled") as api:
            found, peak = endured(api, given.minutes, given.share)
    draw(found, CHART)
    told(found, peak, given.share)


def endured(api: Server, minutes: float, share: float) -> tuple[list[Slice], float]:
    """What each ten seconds of the load was like, and the requests a second that could be answered at most."""
    wire = requests_for(api.address)
    url, process = f"{api.address}/v1/predict", api.listener()
    peak = load.closed(url, wire, CONNECTIONS, 20.0, warm=5.0)
    print(f"peak {peak.rate:.0f} requests/s, {dict(peak.statuses)}", flush=True)
    found = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "soak.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(Slice.__dataclass_fields__))
        writer.writeheader()
        begun = time.monotonic()
        while time.monotonic() - begun < minutes * 60:
            came = load.opened(url, wire, share * peak.rate, SLICE_SECONDS)
            found.append(_slice(time.monotonic() - begun, process, came))
            writer.writerow(asdict(found[-1]))
            file.flush()
    return found, peak.rate


def requests_for(address: str) -> list[bytes]:
    """Ten thousand different requests in the mixture's shares."""
    chance = np.random.default_rng(1)
    found = []
    kinds, shares = list(MIXTURE), np.array(list(MIXTURE.values())) / sum(MIXTURE.values())
    for number in range(10_000):
        kind = kinds[chance.choice(len(kinds), p=shares)]
        text = f"{' '.join(chance.choice(WORDS, size=8))} {number}"
        if kind == "predict":
            found.append(load.request(f"{address}/v1/predict", json.dumps({"text": text}).encode()))
        elif kind == "film":
            path = ("/v1/movies", "/v1/overview", "/v1/runs")[number % 3]
            host = address.removeprefix("http://")
            found.append(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        elif kind == "label":
            said = {"source": "megabox", "source_id": str(2 * (number % 15)), "sentiment": _sentiment(number)}
            found.append(load.request(f"{address}/v1/labels", json.dumps(said).encode()))
        else:
            found.append(_file(address, [f"{text} {row}" for row in range(50)]))
    return found


def draw(found: list[Slice], path: Path) -> None:
    """Memory with its slope, and response times."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    minutes = [one.seconds / 60 for one in found]
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(minutes, [one.rss_mb for one in found], color="tab:blue", label="resident memory")
    slope, start = slope_of(found)
    fitted = [start + slope * minute / 60 for minute in minutes]
    above.plot(minutes, fitted, color="black", linestyle="--", linewidth=1, label=f"{slope:+.1f} MB an hour")
    above.set_ylabel("MB")
    above.set_ylim(0, max(one.rss_mb for one in found) * 1.15)
    above.legend(loc="lower right")
    for name, colour in (("p50", "tab:green"), ("p95", "tab:orange"), ("p99", "tab:red")):
        below.plot(minutes, [getattr(one, name) for one in found], color=colour, label=name)
    below.set_ylabel("ms")
    below.set_xlabel("minutes")
    below.set_yscale("log")
    below.legend(loc="upper right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def slope_of(found: list[Slice]) -> tuple[float, float]:
    """Megabytes an hour, and at the beginning, by least squares over all but the first tenth, which warms up."""
    rows = found[len(found) // 10 :]
    if len(rows) < 2:
        return 0.0, rows[-1].rss_mb
    slope, start = np.polyfit([one.seconds / 3600 for one in rows], [one.rss_mb for one in rows], 1)
    return float(slope), float(start)


def told(found: list[Slice], peak: float, share: float) -> None:
    """Publish the numbers."""
    half = max(1, len(found) // 4)
    rows = [
        [
            name,
            *(f"{np.median([getattr(one, number) for one in part]):.1f}" for number in ("rss_mb", "p50", "p95", "p99")),
            f"{sum(one.answered for one in part):,}",
            f"{sum(one.refused for one in part):,}",
            sum(one.failed for one in part),
        ]
        for name, part in (("first quarter", found[:half]), ("last quarter", found[-half:]), ("all", found))
    ]
    columns = ("of the time", "MB", "p50 ms", "p95 ms", "p99 ms", "answered", "refused (503)", "failed")
    slope, _ = slope_of(found)
    mixture = ", ".join(f"{kind} {count} %" for kind, count in MIXTURE.items())
    said = f"At {share:.0%} of {peak:,.0f} requests/s ({mixture}). Memory grew by {slope:+.1f} MB an hour."
    title = f"{found[-1].seconds / 60:.0f} minutes of mixed requests"
    publish("soak", title, f"{said}\n\n{table(columns, rows)}\n\n![Soak](../docs/images/soak.png)")


def _slice(seconds: float, process: psutil.Process, came: load.Load) -> Slice:
    answered, refused = came.statuses[200], came.statuses[503]
    failed = sum(came.statuses.values()) - answered - refused + came.unanswered
    memory = process.memory_info().rss / 1e6
    times = [round(came.percentile(share), 2) for share in (0.5, 0.95, 0.99)]
    return Slice(round(seconds, 1), round(memory, 1), *times, answered, refused, failed)


def _file(address: str, texts: list[str]) -> bytes:
    """A CSV of some rows, as a browser would send it."""
    edge = "reelsense-soak"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\nreview\n" + "\n".join(texts) + f"\n\r\n--{edge}--\r\n"
    ).encode()
    wire = load.request(f"{address}/v1/predict/file", body)
    return wire.replace(b"application/json", f"multipart/form-data; boundary={edge}".encode(), 1)


def _sentiment(number: int) -> str:
    return ("positive", "negative", "neutral")[number % 3]


if __name__ == "__main__":
    main()
