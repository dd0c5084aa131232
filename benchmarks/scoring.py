"""Bulk scoring of files: rate and peak memory at two sizes, and against the earlier systems' way on the same weights.

python benchmarks/scoring.py [--corpus FOLDER] [--work FOLDER] [--rows 1000000]

Each measurement runs in a process of its own. The earlier way: one review at a time, tokenized and padded to 300, torch
in fp32. It needs a transformer: the small one that benchmarks/quality.py leaves in the work folder.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog
from tables import publish, table

PADDED = 300
SAMPLE = 300


def main() -> None:
    """Measure all ways, publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=3, metavar=("MODEL", "FILE", "OUT"), help="a single measurement, as JSON")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if chosen.one:
        print(json.dumps(one(*chosen.one)))
        return
    small = chosen.work / "small-from-scratch-42"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        short = chosen.corpus / "ratings_test.txt"
        long = repeated(short, Path(folder) / "long.tsv", chosen.rows)
        tiny = repeated(short, Path(folder) / "tiny.tsv", 5000)
        out = str(Path(folder) / "out.tsv")
        for name, model, path in (
            ("baseline, 50,000 rows", "bundled", short),
            (f"baseline, {chosen.rows:,} rows", "bundled", long),
            ("small transformer (ONNX int8), 5,000 rows", str(small), tiny),
        ):
            if model != "bundled" and not small.is_dir():
                continue
            found = measured(model, path, out)
            rows.append((name, f"{found['rate']:,.0f}", f"{found['peak']:.0f}", ""))
        if small.is_dir():
            found = measured(f"earlier:{small}", tiny, out)
            rate = float(rows[-1][1].replace(",", ""))
            rows.append(("the same weights, the earlier way", f"{found['rate']:,.1f}", f"{found['peak']:.0f}", "1×"))
            rows[-2] = (*rows[-2][:3], f"{rate / found['rate']:,.0f}×")
    columns = ("what", "reviews/s", "peak memory MB", "against the earlier way")
    publish("scoring", "Scoring files", table(columns, rows))


def measured(model: str, path: Path, out: str) -> dict[str, float]:
    """One measurement in a fresh process."""
    command = [sys.executable, __file__, "--one", model, str(path), out]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(model, path.name, found, flush=True)
    return found


def one(model: str, path: str, out: str) -> dict[str, float]:
    """Reviews a second and peak memory in MB."""
    if model.startswith("earlier:"):
        rate = earlier_way(Path(model.removeprefix("earlier:")), Path(path))
    else:
        from reelsense.models.loading import load_bundled, load_folder
        from reelsense.tables.scoring import score_file

        classifier = load_bundled() if model == "bundled" else load_folder(Path(model))
        classifier.predict_proba(["따뜻하게 데우기"])
        done = score_file(classifier, Path(path), Path(out))
        rate = done.scored / done.seconds
    return {"rate": rate, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def earlier_way(folder: Path, path: Path) -> float:
    """One review at a time, padded to 300 tokens, torch in fp32; the rate over the first 300 reviews."""
    import torch

    from reelsense.models.encoder import SentimentModel
    from reelsense.models.loading import read_facts
    from reelsense.models.tokens import open_tokenizer, token_ids
    from reelsense.sources.nsmc import read_corpus

    facts = read_facts(folder)
    tokenizer = open_tokenizer(folder / "tokenizer", int(facts["max_length"]))
    model = SentimentModel.load(folder / "torch").eval()
    # The small encoder knows fewer positions; those of the padding may be anything.
    positions = model.core.embeddings.positions
    further = torch.zeros(max(0, PADDED - positions.num_embeddings), positions.embedding_dim)
    model.core.embeddings.positions = torch.nn.Embedding.from_pretrained(torch.cat([positions.weight.data, further]))
    texts = [text for _, text, _ in read_corpus(path)][:SAMPLE]

    def answer(text: str) -> None:
        row = torch.tensor(token_ids(tokenizer, [text])[0])
        ids = torch.full((1, PADDED), int(facts["pad_id"]))
        mask = torch.zeros((1, PADDED), dtype=torch.int64)
        ids[0, : len(row)], mask[0, : len(row)] = row, 1
        with torch.inference_mode():
            model(ids, mask)

    answer(texts[0])
    begin = time.monotonic()
    for text in texts:
        answer(text)
    return len(texts) / (time.monotonic() - begin)


def repeated(source: Path, target: Path, rows: int) -> Path:
    """`rows` rows of a corpus file, over and over."""
    header, *lines = source.read_text(encoding="utf-8").rstrip("\n").split("\n")
    with target.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for begin in range(0, rows, len(lines)):
            file.write("\n".join(lines[: rows - begin]) + "\n")
    return target


if __name__ == "__main__":
    main()
