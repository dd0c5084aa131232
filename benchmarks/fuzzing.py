"""Everything that reads foreign bytes, under a fuzzer that looks for new paths through reelsense's own code.

    python benchmarks/fuzzing.py --seconds 180
    python benchmarks/fuzzing.py --seconds 30 --only xlsx robots

The targets are those of `tests/fuzzing`. Each one runs in a process of its own, its inputs are kept in `--work` and
are where the next run goes on. Needs atheris, which no test needs: pip install atheris (it has wheels for x86 Linux).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tables import publish, table

FUZZING = Path(__file__).resolve().parents[1] / "tests" / "fuzzing"
INSIDE, RESULT = "inside", "result.json"
LONGEST_INPUT = 8192
# Of one input, beyond what the targets allow; and of the process with all that it has imported.
SECONDS, MEGABYTES = 20, 3000
_PROGRESS = re.compile(rb"cov: (\d+) ft: (\d+)")
_TRIED = re.compile(rb"(?:stat::number_of_executed_units:\s*|^#)(\d+)", re.MULTILINE)
_ENDED = {b"libFuzzer: timeout": "an endless loop", b"libFuzzer: out-of-memory": "memory without end"}


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a target's run came to. `features` are edges with how often they were taken."""

    target: str
    seconds: int
    tried: int
    coverage: int
    features: int
    kept: int
    findings: tuple[str, ...]


def main() -> None:
    """Fuzz the targets one after another, print, publish once all of them ran."""
    sys.path.insert(0, str(FUZZING))
    if sys.argv[1:2] == [INSIDE]:  # before anything imports what is to be instrumented
        fuzz(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
        return
    from targets import all_targets

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=180, help="for each target")
    parser.add_argument("--only", nargs="+", choices=sorted(all_targets()), help="these targets")
    parser.add_argument("--publish", action="store_true", help="what earlier runs kept, without another one")
    parser.add_argument("--work", type=Path, default=Path(".reelsense/fuzzing"), help="where inputs are kept")
    given = parser.parse_args()
    for name in () if given.publish else given.only or all_targets():
        print(run(name, given.work / name, given.seconds), flush=True)
    kept = [given.work / name / RESULT for name in all_targets()]
    if not all(path.is_file() for path in kept):
        return
    results = [Fuzzed(**json.loads(path.read_text())) for path in kept]
    rows = [
        [one.target, one.seconds, f"{one.tried:,}", one.coverage, one.features, one.kept, len(one.findings)]
        for one in results
    ]
    columns = ["target", "seconds", "inputs tried", "edges", "features", "inputs kept", "findings"]
    findings = "\n".join(f"- {one.target}: {finding}" for one in results for finding in one.findings)
    said = (
        f"Each target in its own process, inputs up to {LONGEST_INPUT:,} bytes; a row is of the target's last run. "
        "Edges and features are those of reelsense's modules that the target imports. A finding is any error but a "
        "ReelsenseError, a broken promise, an input that takes seconds, or memory without end.\n\n"
    )
    publish(
        "fuzzing", "Foreign bytes under a fuzzer", said + table(columns, rows) + (f"\n\n{findings}" if findings else "")
    )


def run(name: str, work: Path, seconds: int) -> Fuzzed:
    """One target for so long; it is started anew after an input that ended the process."""
    for folder in ("inputs", "findings"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    told: Counter[str] = Counter()
    tried = coverage = features = 0
    while (left := int(until - time.monotonic())) > 0:
        command = [sys.executable, __file__, INSIDE, name, str(work), str(left)]
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"})
        said = done.stderr
        (work / "log").write_bytes(said)
        tried += max((int(found) for found in _TRIED.findall(said)), default=0)
        reached = [(int(edges), int(more)) for edges, more in _PROGRESS.findall(said)]
        coverage, features = max([(coverage, features), *reached])
        told.update(json.loads(line) for line in done.stdout.splitlines() if line.startswith(b'"'))
        if done.returncode == 0:
            break
        why = next((words for mark, words in _ENDED.items() if mark in said), f"the process ended ({done.returncode})")
        told[f"{why}: see {work / 'findings'}"] += 1
        if not reached:
            break  # it does not even start
    inputs = len(list((work / "inputs").iterdir()))
    result = Fuzzed(name, seconds, tried, coverage, features, inputs, tuple(told))
    (work / RESULT).write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result


def fuzz(name: str, work: Path, seconds: int) -> None:
    """Never returns. Each finding is printed once as a line of JSON, and its input kept."""
    import atheris

    atheris.enabled_hooks.add("str")
    with atheris.instrument_imports(include=["reelsense"]):
        from targets import all_targets, attempt

        target = all_targets()[name]
    quiet()
    seeds = [seed for seed in target.seeds() if len(seed) <= 4 * LONGEST_INPUT]
    for seed in seeds:
        (work / "inputs" / hashlib.sha256(seed).hexdigest()[:40]).write_bytes(seed)
    words = work / "words"
    words.write_text("".join(f'"{_escaped(word.encode())}"\n' for word in target.words), encoding="ascii")
    met: set[str] = set()

    def one_input(data: bytes) -> None:
        try:
            attempt(target, data)
        except Exception as error:
            finding = described(error)
            if finding not in met:
                met.add(finding)
                digest = hashlib.sha256(data).hexdigest()[:12]
                (work / "findings" / digest).write_bytes(data)
                print(json.dumps(f"{finding} ({len(data)} bytes, {digest}: {data[:60]!r})"), flush=True)

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={max([LONGEST_INPUT, *map(len, seeds)])}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={work / 'findings'}/",
        f"-dict={words}",
        "-print_final_stats=1",
        "-seed=1",
        str(work / "inputs"),
    ]
    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


def quiet() -> None:
    """Without the log lines and warnings that foreign bytes lead to."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def described(error: BaseException) -> str:
    """The error, and the last line of reelsense's code, or of a target's, on the way to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/reelsense/" in frame.filename or FUZZING.name in frame.filename]
    at = own[-1] if own else frames[-1]
    promise = f" {str(error)[:80]}" if isinstance(error, AssertionError) and " took " not in str(error) else ""
    return f"{type(error).__name__}{promise} at {Path(at.filename).name}:{at.lineno}"


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
