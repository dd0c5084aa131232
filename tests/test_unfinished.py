"""What a kill leaves half-written is cleared away by its name and age, and nothing else is."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

import pytest

from reelsense import unfinished
from reelsense.pipelines.maintain import maintain
from reelsense.settings import Settings, load_settings
from reelsense.store.database import open_database
from reelsense.tables.opening import replacing

BEGINNINGS = sorted(value for name, value in vars(unfinished).items() if name.isupper() and not name.startswith("_"))
# Names that others give, or that stand for something whole.
FOREIGN = [
    *(".env", ".git/config", ".notes.part", ".x.12-abcdef.partial", "x.12-abcdef.part", "objects/reviews/.keep"),
    *(".backup-of-mine", ".download-manager/state", ".upload-/file", ".upload-ABCDEFGH", ".restoring-12345678-x"),
    *(".registry-aliases.lock", "reelsense.db.training.lock", "backup-20260101T000000Z/manifest.json"),
]


def made(path: Path, days: float) -> Path:
    """A file that was last changed some days ago, and so were the folders that it made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    for one in (path, path.parent):
        os.utime(one, (time.time() - days * 86_400,) * 2)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    values = {"home": str(tmp_path / "home"), "object_store": str(tmp_path / "objects")}
    return load_settings(overrides=values, env_file=None)


def cleared(settings: Settings) -> int:
    db = open_database(settings.resolved_database_url)
    try:
        return maintain(db, settings, "leftovers")
    finally:
        db.close()


def left_by_a_kill(folder: Path, days: float) -> list[Path]:
    """One of each form, made by what makes them."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "films.parquet") as part:
        name = part.name
        part.touch()
    found = [made(folder / name, days)]
    for beginning in BEGINNINGS:
        deep = Path(tempfile.mkdtemp(prefix=beginning, dir=folder))
        handle, flat = tempfile.mkstemp(prefix=beginning, dir=folder)
        os.close(handle)
        made(deep / "inner" / "weights.bin", days)
        made(deep / "facts.json", days)
        found += [deep, made(Path(flat), days)]
    staged = folder / f"{unfinished.RESTORING}0a1b2c3d-12"
    made(staged / "data", days)
    return [*found, staged]


def test_what_a_kill_has_left_goes_after_a_day(settings: Settings, tmp_path: Path) -> None:
    places = (settings.home, settings.home / "cache" / "models", tmp_path / "objects" / "reviews")
    left = [path for place in places for path in left_by_a_kill(place, 1.1)]

    assert cleared(settings) == len(left) == 3 * (2 + 2 * len(BEGINNINGS))
    assert not [path for path in left if path.exists()]
    assert cleared(settings) == 0


def test_what_is_being_written_stays(settings: Settings) -> None:
    young = left_by_a_kill(settings.home, 0.9)
    (deep,) = (path for path in left_by_a_kill(settings.home / "old", 5) if path.name.startswith(".restoring-0a"))
    made(deep / "the" / "newest", 0.5)  # of a folder that is otherwise days old
    os.utime(deep, (0, 0))

    cleared(settings)

    assert all(path.exists() for path in [*young, deep, deep / "data"])


def test_every_other_hidden_or_ordinary_file_stays(settings: Settings, tmp_path: Path) -> None:
    kept = [made(settings.home / name, 400) for name in FOREIGN]
    elsewhere = made(tmp_path / "elsewhere" / "precious", 400)
    link = settings.home / ".download-abcdefgh"
    link.symlink_to(elsewhere.parent)

    assert cleared(settings) == 0
    assert all(path.exists() for path in [*kept, elsewhere, link])


def test_no_module_makes_up_a_hidden_name_of_its_own() -> None:
    folders = ("src", "fastapi", "streamlit")
    root = Path(__file__).resolve().parents[1]
    texts = {path: path.read_text("utf-8") for folder in folders for path in (root / folder).rglob("*.py")}
    assert not [path.name for path, text in texts.items() if re.search(r"""prefix=f?["']\.""", text)]
