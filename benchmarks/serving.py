"""The inference service under load, against other ways to serve the same weights, all in turn on one machine.

python benchmarks/serving.py [--corpus FOLDER] [--work FOLDER] [--others PYTHON] [--infinity PYTHON] [--only PARTS]

`--others` is a Python with torch, transformers, litserve, ray[serve] and uvicorn, `--infinity` one with
infinity-emb[torch,server]; servers that can't be started there are left out and named. Parts: encoder, baseline,
overload, swaps.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import load
import numpy as np
import requests
from random_encoder import make
from running import quietly, running, running_api
from serving_rivals import EARLIER, SERVERS, encoder_servers, json_body, only_fp32
from tables import publish, table

from reelsense.models.base import Classifier
from reelsense.models.loading import BUNDLED, load_folder, read_facts
from reelsense.models.transformer import load_transformer
from reelsense.registry.tracking import log_run
from reelsense.registry.versions import promote, register
from reelsense.settings import Settings, load_settings
from reelsense.sources.nsmc import read_corpus

CONNECTIONS = 32
# So few that none is refused, so many that no lane waits.
FEW = 6
SECONDS = 20.0
# Open-loop load, of what the closed loop reached.
OPEN_SHARE = 0.7


def main() -> None:
    """Run the parts that are asked for and publish one section for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks"))
    parser.add_argument("--others", default=sys.executable)
    parser.add_argument("--infinity", default=sys.executable)
    parser.add_argument("--only", default="encoder,baseline,overload,swaps")
    chosen = parser.parse_args()
    texts = [text for _, text, _ in read_corpus(chosen.corpus / "ratings_test.txt") if text]
    folder = chosen.work / "kobert-sized"
    if not (folder / "model.json").is_file():
        rows = [(text, label) for _, text, label in read_corpus(chosen.corpus / "ratings_train.txt") if text][:40_000]
        make(folder, [text for text, _ in rows], [label for _, label in rows])
    parts: dict[str, Callable[[], str]] = {
        "encoder": lambda: encoder(folder.absolute(), chosen.work, texts, chosen.others, chosen.infinity),
        "baseline": lambda: baseline(texts),
        "overload": lambda: overload(folder.absolute(), texts),
        "swaps": lambda: swaps(texts),
    }
    titles = {
        "encoder": "Serving an encoder of KoBERT's size (12 layers, 768; untrained weights)",
        "baseline": "Serving the baseline",
        "overload": "Five times more requests than the service can answer",
        "swaps": "The champion changes under load",
    }
    for part in chosen.only.split(","):
        publish("serving", titles[part], parts[part](), part)


def encoder(folder: Path, work: Path, texts: Sequence[str], others: str, infinity: str) -> str:
    """Throughput and latency of all servers on the same weights and reviews."""
    rows: list[tuple[object, ...]] = []
    for name, start, path, body in encoder_servers(folder, others, infinity):
        try:
            with start() as server:
                url = server.address + path
                wire = [load.request(url, body(text)) for text in texts]
                closed = load.closed(url, wire, CONNECTIONS, SECONDS, warm=5)
                if not closed.rate:
                    raise RuntimeError(f"no good answer: {dict(closed.statuses)}")
                opened = load.opened(url, wire[5000:], OPEN_SHARE * closed.rate, SECONDS)
        except (RuntimeError, OSError) as error:
            print(f"{name}: left out: {error}", flush=True)
            rows.append((name, "no answer", "", "", "", ""))
            continue
        print(name, closed.statuses, f"{closed.rate:.1f}/s", flush=True)
        numbers = (closed.percentile(0.5), closed.percentile(0.99), opened.percentile(0.5), opened.percentile(0.99))
        rows.append((name, f"{closed.rate:.1f}", *(f"{number:,.0f}" for number in numbers)))
    bulk = _bulk_rate(folder, texts)
    rows.append(("ONNX Runtime itself, int8, in bulk", f"{bulk:.1f}", "", "", "", ""))
    columns = ("server", "reviews/s", "p50 ms", "p99 ms", f"p50 ms at {OPEN_SHARE:.0%}", f"p99 ms at {OPEN_SHARE:.0%}")
    ours = float(str(rows[0][1]))
    rates = {str(row[0]): float(str(row[1])) for row in rows[1:] if str(row[1])[0].isdigit()}
    best = max((rate for name, rate in rates.items() if name[:3] in ("(b)", "(c)", "(d)", "(e)")), default=float("nan"))
    small = work / "small-from-scratch-42"
    notes = [
        f"{CONNECTIONS} connections in closed loop, then requests at random times at {OPEN_SHARE:.0%} of that rate.",
        f"reelsense int8 is {ours / rates.get(EARLIER, np.nan):.1f} × (a), {ours / best:.2f} × the best of (b)-(e), "
        f"{ours / bulk:.0%} of ONNX Runtime's own bulk rate.",
        _agreement("the trained small encoder, int8", small, texts[:5000]) if small.is_dir() else "",
        _agreement("this encoder, fp32 (in int8 untrained weights have no margin)", only_fp32(folder), texts[:500]),
    ]
    return table(columns, rows) + "\n\n" + "\n".join(note for note in notes if note)


def baseline(texts: Sequence[str]) -> str:
    """One text a request against an endpoint that does nothing; and a thousand texts a request."""
    rates: dict[str, list[load.Load]] = {"empty endpoint": [], "/v1/predict, one review": [], "/v1/predict, 1,000": []}
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(SERVERS), "empty:app", *quietly()]
    with running_api(model="bundled") as api, running(uvicorn, "/docs") as empty:
        url, other = f"{api.address}/v1/predict", f"{empty.address}/empty"
        one = [json_body({"text": text}) for text in texts]
        many = [json_body({"texts": texts[at : at + 1000]}) for at in range(0, len(texts) - 1000, 1000)]
        for _ in range(3):  # in turn: the machine's speed changes over a minute
            rates["empty endpoint"].append(load.closed(other, [load.request(other, body) for body in one], 64, 5))
            rates["/v1/predict, one review"].append(load.closed(url, [load.request(url, body) for body in one], 64, 5))
        rates["/v1/predict, 1,000"].append(load.closed(url, [load.request(url, body) for body in many], 2, 10))
    rows = []
    for name, found in rates.items():
        each = 1000 if "1,000" in name else 1
        rate = float(np.median([one.rate for one in found])) * each
        rows.append((name, f"{rate:,.0f}", f"{found[-1].percentile(0.5):.1f}", f"{found[-1].percentile(0.99):.1f}"))
    ratio = np.median(
        [
            mine.rate / nothing.rate
            for mine, nothing in zip(rates["/v1/predict, one review"], rates["empty endpoint"], strict=True)
        ]
    )
    columns = ("endpoint", "reviews/s", "p50 ms", "p99 ms")
    note = f"64 connections, median of three turns. One review a request: {ratio:.0%} of the empty endpoint."
    return f"{table(columns, rows)}\n\n{note}"


def overload(folder: Path, texts: Sequence[str]) -> str:
    """80 % load, then five times the capacity for a minute, then how soon all is well again."""
    with running_api(model=str(folder)) as api:
        url = f"{api.address}/v1/predict"
        wire = [load.request(url, json_body({"text": text})) for text in texts]
        capacity = load.closed(url, wire, FEW, 20, warm=5).rate
        process = api.listener()
        calm = load.opened(url, wire[3000:], 0.8 * capacity, 30)
        before = process.memory_info().rss / 1e6
        storm = load.opened(url, wire[6000:], 5 * capacity, 60)
        after = process.memory_info().rss / 1e6
        time.sleep(2)
        again = load.opened(url, wire[30_000:], 0.8 * capacity, 15)
    rows = [
        (name, f"{one.rate:.1f}", f"{one.statuses[503] / one.seconds:.1f}", others, *_p(one, 200), *_p(one, 503))
        for name, one in (("80 %", calm), ("500 %, 60 s", storm), ("80 %, 2 s later", again))
        for others in [sum(one.statuses.values()) - one.statuses[200] - one.statuses[503] + one.unanswered]
    ]
    columns = ("load", "200/s", "503/s", "others", "p50 ms", "p99 ms", "503: p50 ms", "503: p99 ms")
    ratio = storm.percentile(0.99) / calm.percentile(0.99)
    return table(columns, rows) + (
        f"\n\nCapacity {capacity:.1f}/s. p99 of the accepted is {ratio:.2f} × that at 80 % load; "
        f"memory {before:.0f} MB before, {after:.0f} MB after the minute."
    )


def swaps(texts: Sequence[str]) -> str:
    """A thousand requests a second while `champion` flips twenty times between two versions."""
    groups = [list(texts[at : at + (4 if at % 3 else 1)]) for at in range(0, 40_000, 4)]
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        settings, versions = _two_versions(home)
        offline = {
            version: [classifier.predict_proba(group) for group in groups] for version, classifier in versions.items()
        }
        wrong, seen = 0, dict.fromkeys(versions, 0)

        def check(asked: int, status: int, body: bytes) -> None:
            nonlocal wrong
            if status == 200:
                found = json.loads(body)
                seen[found["model_version"]] += 1
                got = [one["probabilities"]["positive"] for one in found["results"]]
                wrong += not np.allclose(got, offline[found["model_version"]][asked], atol=1e-5)

        def flip() -> None:
            for number in range(20):
                time.sleep(1.5)
                promote(settings, 2 - number % 2)

        with running_api(home, SERVING__FOLLOW_SECONDS="0.2") as api:
            url = f"{api.address}/v1/predict"
            wire = [load.request(url, json_body({"texts": group})) for group in groups]
            flipping = threading.Thread(target=flip)
            flipping.start()
            found = load.opened(url, wire, 1000, 33, check)
            flipping.join()
            time.sleep(3)  # the last one is followed, too
            text = requests.get(f"{api.address}/metrics", timeout=60).text
            taken = next(line.split()[1] for line in text.splitlines() if 'swaps_total{outcome="taken"}' in line)
    total = sum(found.statuses.values())
    failed = total - found.statuses[200] + found.unanswered
    row = (f"{total:,}", failed, wrong, f"{float(taken):.0f}", *(f"{count:,}" for count in seen.values()))
    columns = ("requests of 1 or 4 reviews", "failed", "answers that are not exactly one version's", "swaps")
    return table((*columns, "by one", "by the other", "p50 ms", "p99 ms"), [(*row, *_p(found, 200))])


def _two_versions(home: Path) -> tuple[Settings, dict[str, Classifier]]:
    """A registry with the bundled model as champion, and the same with another temperature."""
    settings = load_settings(None, {"home": str(home)}, None)
    second = home / "second"
    shutil.copytree(BUNDLED, second)
    facts = read_facts(second)
    (second / "model.json").write_text(json.dumps({**facts, "temperature": 2 * facts["temperature"]}))
    versions: dict[str, Classifier] = {}
    for key, folder in (("first", BUNDLED), ("second", second)):
        run = log_run(
            settings,
            key=key,
            recipe="baseline",
            parameters={},
            metrics={},
            folder=folder,
            data_version="none",
            evaluations={},
            samples=[],
            model_card="",
            tags={},
        )
        versions[str(register(settings, run, key).version)] = load_folder(folder)
    promote(settings, 1)
    return settings, versions


def _bulk_rate(folder: Path, texts: Sequence[str]) -> float:
    """Reviews a second of the int8 file without any server."""
    model = load_transformer(folder, read_facts(folder), "bulk", "int8")
    model.predict_proba(texts[:50])
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < SECONDS:
        model.predict_proba(texts[done : done + 200])
        done += 200
    return done / (time.perf_counter() - begin)


def _agreement(what: str, folder: Path, texts: Sequence[str]) -> str:
    """Labels of the service against torch in fp32 on the same weights."""
    truth = load_transformer(folder, read_facts(folder), "torch", "torch").predict_proba(list(texts)) >= 0.5
    with running_api(model=str(folder.absolute())) as api:
        found: list[bool] = []
        for at in range(0, len(texts), 100):
            asked = {"texts": list(texts[at : at + 100])}
            answer = requests.post(f"{api.address}/v1/predict", json=asked, timeout=120).json()
            found += [one["probabilities"]["positive"] >= 0.5 for one in answer["results"]]
    same = float(np.mean(found == truth))
    return f"Labels of the service that torch in fp32 gives as well, {what}: {same:.2%} of {len(texts):,}."


def _p(one: load.Load, status: int) -> tuple[str, str]:
    return f"{one.percentile(0.5, status):.1f}", f"{one.percentile(0.99, status):.1f}"


if __name__ == "__main__":
    main()
