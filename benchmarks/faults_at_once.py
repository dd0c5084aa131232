"""Two schedulers or two workers: the same pipeline twice at the same time, and promotions against each other."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from disturbed import Disturbed, told
from fault import Fault, Try
from forks import begin, done, ended, killed_after, serving
from kills import SUBJECTS, _devsite
from soundness import unsound
from subjects import SERVERS, settings_in
from subjects_models import three_versions

from reelsense.pipelines.champion import ensure_champion
from reelsense.registry.versions import list_versions, make_candidate, promote, roll_back

# A search is one process's by its lock; a backup goes to a place of its own.
_TWICE = ("crawl", "score", "label", "export", "maintain", "score-file", "job", "retrain", "promote")


@contextmanager
def devsite(place: Path) -> Iterator[None]:
    """The site that is crawled, while the block lasts."""
    child, SERVERS["devsite"] = serving(_devsite, place / "site")
    try:
        yield
    finally:
        killed_after(child, 0)


@contextmanager
def _twice(place: Path) -> Iterator[Try]:
    with devsite(place):
        ready = {s.name: Disturbed(s, place / s.name).prepare() for s in SUBJECTS if s.name in _TWICE}

        def one(number: int, chance: random.Random) -> tuple[str, str]:
            it = ready[_TWICE[number % len(_TWICE)]]
            it.renew()
            children = []
            for which in range(2):
                said = it.place / f"said-{which}"
                said.unlink(missing_ok=True)
                children.append((begin(partial(it.subject.work, it.base), said), said))
                time.sleep(chance.uniform(0, it.seconds / 2) if which == 0 and number % 2 else 0)
            ends = []
            for child, said in children:
                ended(child)
                ends.append(told(said))
            wrong = it.wrong_after()
            bad = [end for end in ends if end != "done"]
            return f"{sum(end == 'done' for end in ends)} of 2 done", wrong or "; ".join(bad)

        yield one


def _first_champion(base: Path) -> None:
    ensure_champion(settings_in(base))


@contextmanager
def _first(place: Path) -> Iterator[Try]:
    """Two processes that find an empty registry."""

    def one(number: int, _chance: random.Random) -> tuple[str, str]:
        base = place / str(number)
        base.mkdir(parents=True)
        children = [(begin(partial(_first_champion, base), place / f"{number}-{n}"), n) for n in range(2)]
        ends = []
        for child, n in children:
            ended(child)
            ends.append(told(place / f"{number}-{n}"))
        versions = done(lambda: [v.aliases for v in list_versions(settings_in(base))], place / "said")
        wrong = "; ".join(end for end in ends if end != "done") or (
            "" if versions == [("champion",)] else f"versions {versions}"
        )
        shutil.rmtree(base)
        return f"{sum(end == 'done' for end in ends)} of 2 done", wrong

    yield one


def _change(base: Path, chance: random.Random) -> None:
    settings = settings_in(base)
    for _ in range(3):
        kind = chance.choice(("promote", "promote", "roll back", "candidate"))
        if kind == "promote":
            promote(settings, chance.randint(1, 3))
        elif kind == "roll back":
            try:
                roll_back(settings)
            except Exception as error:
                if "no previous champion" not in str(error):
                    raise
        else:
            try:
                make_candidate(settings, chance.randint(1, 3))
            except Exception as error:
                if "no previous one" not in str(error):
                    raise


@contextmanager
def _promotions(place: Path) -> Iterator[Try]:
    """Three processes promote, roll back and make candidates, three changes each."""
    base = place / "world"
    done(partial(three_versions, base), place / "said")

    def seen() -> str:
        found = {alias: v.version for v in list_versions(settings_in(base)) for alias in v.aliases}
        if sum("champion" in v.aliases for v in list_versions(settings_in(base))) != 1:
            return f"champions: {found}"
        if found["champion"] in (found.get("previous"), found.get("candidate")):
            return f"the champion has another alias: {found}"
        return "; ".join(unsound(base))

    def one(_number: int, chance: random.Random) -> tuple[str, str]:
        children = []
        for which in range(3):
            said = place / f"said-{which}"
            said.unlink(missing_ok=True)
            own = random.Random(chance.random())
            children.append((begin(partial(_change, base, own), said), said))
        ends = []
        for child, said in children:
            ended(child)
            ends.append(told(said))
        bad = [end for end in ends if end != "done"]
        return "9 changes", "; ".join(bad) or done(seen, place / "said")

    yield one


AT_ONCE_FAULTS = (
    Fault("twice", f"two processes of one pipeline at once ({', '.join(_TWICE)})", 20 * len(_TWICE), _twice),
    Fault("first-champion", "two processes at an empty registry", 20, _first),
    Fault("promotions", "three processes promote, roll back, make candidates at once", 200, _promotions),
)
