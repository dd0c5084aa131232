"""kill -9 at random moments of every pipeline, then run again to the end: what is there must be what an undisturbed
run leaves.

    python benchmarks/kills.py [--times 200] [--only crawl score] [--seed 1]

Each try is a forked child that is killed at a uniformly random moment of the pipeline's duration; in every third try
the repetition is killed as well, once or twice. Right after each kill no file under a final name may be half-written,
every SQLite file must be sound, and a registry has one champion whose alias points at a version. Results are kept in
`.reelsense/benchmarks/kills.json` after each try: a run that was stopped goes on, and `--fresh` begins anew.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from forks import ChildFailed, alone, begin, done, killed_after, serving

alone()

from kept_results import Kept  # noqa: E402
from soundness import left_over, unsound  # noqa: E402
from subjects import SERVERS, Subject  # noqa: E402
from subjects_files import FILE_SUBJECTS  # noqa: E402
from subjects_models import MODEL_SUBJECTS  # noqa: E402
from subjects_store import STORE_SUBJECTS  # noqa: E402

SUBJECTS = (*STORE_SUBJECTS, *FILE_SUBJECTS, *MODEL_SUBJECTS)
_MOST_IN_A_ROW = 3
_NEEDED = (
    *("matplotlib.backends.backend_agg", "mlflow.artifacts", "mlflow.pyfunc.model", "optuna", "pyarrow.fs"),
    *("mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store"),
    *("scipy.optimize", "sklearn.linear_model"),
)


@dataclass
class Counts:
    """What became of the tries of one pipeline. `wrong` holds the seeds of the tries that ended otherwise."""

    seconds: float = 0.0
    tries: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)
    left_files: int = 0
    left_bytes: int = 0


def main() -> None:
    """Kill, repeat, compare, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=200, help="kills of each pipeline")
    options.add_argument("--only", nargs="+", choices=[subject.name for subject in SUBJECTS], help="these alone")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    given = options.parse_args()
    kept = Kept("kills")
    chosen = [subject for subject in SUBJECTS if not given.only or subject.name in given.only]
    with tempfile.TemporaryDirectory(prefix="reelsense-kills-") as scratch:
        place = Path(scratch)
        import_everything()
        site, SERVERS["devsite"] = serving(_devsite, place / "site")
        try:
            for subject in chosen:
                counts = Counts() if given.fresh else Counts(**kept.get(subject.name, {}))
                kill(subject, place / subject.name, counts, given.times, given.seed, kept)
        finally:
            killed_after(site, 0)
    print(json.dumps(kept.everything(), indent=1))


def kill(subject: Subject, place: Path, counts: Counts, times: int, seed: int, kept: Kept) -> None:
    """Tries of one pipeline until it was killed so many times."""
    if counts.kills >= times:
        return
    base, template, said = place / "world", place / "template", place / "said"
    place.mkdir(parents=True)
    done(partial(subject.prepare, base), said)
    shutil.copytree(base, template)
    durations = []
    for _ in range(2):
        _renew(base, template)
        began = time.monotonic()
        done(partial(subject.work, base), said)
        durations.append(time.monotonic() - began)
    whole = counts.seconds = min(durations)
    calm = done(partial(subject.seen, base), said)
    print(f"{subject.name}: {whole:.2f} s undisturbed", flush=True)
    while counts.kills < times:
        number = counts.tries
        chance = random.Random(f"{seed} {subject.name} {number}")
        _renew(base, template)
        wanted = 1 if number % 3 else chance.randint(2, _MOST_IN_A_ROW)
        wrong, kills = "", 0
        for _ in range(wanted):
            after = chance.uniform(0, whole)
            if not killed_after(begin(partial(subject.work, base), said), after):
                whole *= 0.97  # it was through: the machine is quicker by now
                break
            kills += 1
            found = done(partial(unsound, base), said)
            wrong = wrong or "; ".join(f"after the kill: {one}" for one in found)
        if not kills:
            continue
        try:
            done(partial(subject.work, base), said)
            found = done(partial(unsound, base), said)
            wrong = wrong or "; ".join(found)
            seen = done(partial(subject.seen, base), said)
            wrong = wrong or ("" if seen == calm else difference(calm, seen))
            left = left_over(base)
            counts.left_files, counts.left_bytes = counts.left_files + left["files"], counts.left_bytes + left["bytes"]
        except ChildFailed as error:
            wrong = wrong or f"the repetition failed: {error}"
        counts.tries, counts.kills = number + 1, counts.kills + kills
        if wrong:
            counts.wrong.append(f"seed {seed}, try {number}: {wrong}"[-2500:])
            print(f"{subject.name}: WRONG, {counts.wrong[-1]}", file=sys.stderr, flush=True)
        kept.put(subject.name, asdict(counts))
        if counts.tries % 20 == 0:
            print(f"{subject.name}: {counts.kills} of {times} kills, {len(counts.wrong)} wrong", flush=True)
    shutil.rmtree(place)


def difference(calm: object, seen: object) -> str:
    """Where two results differ, in a few words."""
    if isinstance(calm, dict) and isinstance(seen, dict):
        return "; ".join(
            f"{name}: {difference(calm.get(name), seen.get(name))}"
            for name in sorted({*calm, *seen})
            if calm.get(name) != seen.get(name)
        )
    if isinstance(calm, Sequence) and isinstance(seen, Sequence) and not isinstance(calm, str | bytes):
        missing = [one for one in calm if one not in seen]
        further = [one for one in seen if one not in calm]
        return f"{len(calm)} and {len(seen)}; missing {missing[:3]!r}, further {further[:3]!r}"
    return f"{calm!r:.300} and {seen!r:.300}"


def import_everything() -> None:
    """What the pipelines import when they need it."""
    from reelsense.registry.client import quiet_mlflow

    quiet_mlflow()
    for name in _NEEDED:
        importlib.import_module(name)


def _renew(base: Path, template: Path) -> None:
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(template, base)


def _devsite(tell: object) -> None:
    from reelsense.devsite.faults import Faults
    from reelsense.devsite.library import sample_library
    from reelsense.devsite.server import serve

    # A little slow, so that the kills hit all stages of a crawl.
    with serve(sample_library(), Faults(latency_ms=3)) as site:
        tell(site.url)  # type: ignore[operator]
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main()
