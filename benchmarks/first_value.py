"""From a fresh clone to the first value, as the four who come with a question.

    python benchmarks/first_value.py [--rows 1000000]

Clones the committed tree into an empty folder, installs what the demo needs by `make setup` (from wherever pip is told
to fetch), and types what the README says, each in turn and in a home of its own. Every way ends with words that must be
in its answer. The NSMC corpus is used where it is at hand.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tables import publish, table

from reelsense.sources.nsmc import read_corpus

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "nsmc"
REELSENSE = ".venv/bin/reelsense"
# Nobody listens there: what an operator finds when MLflow's machine is gone.
AWAY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Way:
    """Who comes, what is typed, what it must say, and what that is worth. `fails`: it tells of a fault by its code."""

    who: str
    typed: str
    says: str
    value: str
    environment: tuple[tuple[str, str], ...] = ()
    fails: bool = False


def ways(rows: int) -> tuple[Way, ...]:
    """The first steps of the README's table."""
    return (
        Way("marketer", "make demo LANGUAGE=en", "강철의 새벽", "films with their blame and praise, as a page"),
        Way(
            "developer",
            f"{REELSENSE} score --file reviews.csv --out scored.csv --json",
            f'"rows": {rows}',
            f"{rows:,} reviews with label and confidence",
        ),
        Way(
            "ML engineer",
            f"{REELSENSE} retrain --recipe baseline --json",
            '"status": "promoted"' if CORPUS.is_dir() else '"status"',
            "a model trained, judged by the gate against the champion, registered",
        ),
        Way(
            "operator",
            f"{REELSENSE} doctor",
            "MLflow",
            "which part is broken, and how to mend it",
            (("REELSENSE_MLFLOW_TRACKING_URI", AWAY),),
            fails=True,
        ),
    )


def main() -> None:
    """Clone, install, type, tell."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    rows = options.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="reelsense-first-") as temporary:
        clone = Path(temporary) / "reelsense"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        if CORPUS.is_dir():
            (Path(temporary) / "shared").symlink_to(CORPUS.parent)
        installing = typed(clone, "make setup", {})[0]
        _write(clone / "reviews.csv", rows)
        told = []
        for way in ways(rows):
            seconds, code, said = typed(
                clone, way.typed, {"REELSENSE_HOME": f"home-{way.who}", **dict(way.environment)}
            )
            assert (code != 0) == way.fails, said
            assert way.says in said, said
            print(f"{way.who}: {seconds:.0f} s\n{said}", flush=True)
            told.append((way.who, f"`{way.typed.replace(REELSENSE, 'reelsense')}`", way.value, f"{seconds:.0f}"))
    corpus = "with" if CORPUS.is_dir() else "without"
    body = (
        f"`make setup` took {installing:.0f} s. After it, {corpus} the NSMC corpus at hand:\n\n"
        f"{table(('who', 'types', 'and has', 'after s'), told)}"
    )
    publish("first_value", "From a fresh clone to the first value", body)


def typed(clone: Path, line: str, environment: dict[str, str]) -> tuple[float, int, str]:
    """Seconds, exit code and all that a line in a shell prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("REELSENSE_", "VIRTUAL_ENV"))}
    corpus = {}
    if CORPUS.is_dir():
        corpus["REELSENSE_DATASET__FOLDER"] = "../shared/nsmc"
        corpus["REELSENSE_DATASET__EXTRA_FILES"] = '["../shared/nsmc/more.tsv.gz"]'
    told = {**clean, **corpus, **environment, "REELSENSE_LANGUAGE": "en", "COLUMNS": "200"}
    begun = time.monotonic()
    done = subprocess.run(line, shell=True, cwd=clone, env=told, capture_output=True, text=True, check=False)  # noqa: S602
    return time.monotonic() - begun, done.returncode, done.stdout + done.stderr


def _write(path: Path, rows: int) -> None:
    """Real reviews where they are at hand, else those of the sample, over and over."""
    if CORPUS.is_dir():
        texts = [text for _, text, _ in read_corpus(CORPUS / "ratings_train.txt")]
    else:
        sample = (ROOT / "src" / "reelsense" / "devsite" / "sample" / "reviews.jsonl").read_text(encoding="utf-8")
        texts = [json.loads(line)["text"] for line in sample.splitlines()]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review"])
        writer.writerows(itertools.islice(zip(itertools.count(), itertools.cycle(texts)), rows))


if __name__ == "__main__":
    main()
