"""Faults other than kills, each tried many times: databases, S3, MLflow and disks that fail, damaged files, hostile
labels, and everything twice at once.

    python benchmarks/faults.py [--only sqlite-locked] [--times N] [--seed 1]

Every try has a random seed of its own, `SEED NAME NUMBER`, which is kept with a try that went wrong. Results are kept
in `.reelsense/benchmarks/faults.json` after each try: a run that was stopped goes on, and `--fresh` begins anew.
`reliability.py` makes the table. PostgreSQL's programs (`sh deploy/install-test-packages.sh`), root (a small file
system), a C compiler (the clock) and the NSMC corpus (labels) are needed for the faults that they belong to.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from forks import ChildFailed, alone

alone()

from fault import Fault, FaultCounts  # noqa: E402
from faults_at_once import AT_ONCE_FAULTS  # noqa: E402
from faults_of_databases import DATABASE_FAULTS  # noqa: E402
from faults_of_files import FILE_FAULTS  # noqa: E402
from faults_of_labels import LABEL_FAULTS  # noqa: E402
from faults_of_machines import MACHINE_FAULTS  # noqa: E402
from faults_of_services import SERVICE_FAULTS  # noqa: E402
from kept_results import Kept  # noqa: E402
from kills import import_everything  # noqa: E402

FAULTS = (*DATABASE_FAULTS, *SERVICE_FAULTS, *MACHINE_FAULTS, *FILE_FAULTS, *AT_ONCE_FAULTS, *LABEL_FAULTS)


def main() -> None:
    """Try, count, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS], help="these alone")
    options.add_argument("--times", type=int, help="tries of each; default: each fault's own number")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    given = options.parse_args()
    kept = Kept("faults")
    chosen = [fault for fault in FAULTS if not given.only or fault.name in given.only]
    import_everything()
    for fault in chosen:
        found = {} if given.fresh else kept.get(fault.name, {})
        counts = FaultCounts(found.get("tries", 0), found.get("told", {}), found.get("wrong", []))
        with tempfile.TemporaryDirectory(prefix="reelsense-faults-") as scratch:
            many(fault, Path(scratch), counts, given.times or fault.times, given.seed, kept)
    print(json.dumps(kept.everything(), ensure_ascii=False, indent=1))


def many(fault: Fault, place: Path, counts: FaultCounts, times: int, seed: int, kept: Kept) -> None:
    """Tries of one fault until there are so many."""
    if counts.tries >= times:
        return
    with fault.world(place) as one:
        while counts.tries < times:
            number = counts.tries
            try:
                told, wrong = one(number, random.Random(f"{seed} {fault.name} {number}"))
            except ChildFailed as error:
                told, wrong = "failed", str(error)
            counts.tries += 1
            counts.told[told] = counts.told.get(told, 0) + 1
            if wrong:
                counts.wrong.append(f"seed {seed}, try {number}: {wrong}"[-2500:])
                print(f"{fault.name}: WRONG, {counts.wrong[-1]}", file=sys.stderr, flush=True)
            kept.put(fault.name, asdict(counts))
    print(f"{fault.name}: {counts.tries} tries, {counts.told}, {len(counts.wrong)} wrong", flush=True)


if __name__ == "__main__":
    main()
