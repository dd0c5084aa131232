"""A backup that somebody else wrote puts nothing where a backup has no business, and runs nothing."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from postgres_server import new_database, programs, running_server

from reelsense.errors import InputError, ReelsenseError, StoreError
from reelsense.objects import open_objects
from reelsense.pipelines.backup_manifest import Backup, KeptFile, KeptPart, Kind, backup_id, file_key, write_manifest
from reelsense.pipelines.restore import restore
from reelsense.settings import Settings
from reelsense.store.dump import load_dump
from reelsense.types import KST

DATA = b"hostile"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def forge(place: Path, part: str, kind: Kind, path: str, data: bytes = DATA) -> None:
    """A whole backup of one file, with every sum right."""
    made_at = datetime(2026, 11, 21, tzinfo=KST)
    objects = open_objects(str(place))
    id = backup_id(made_at)
    kept = KeptFile(path, len(data), hashlib.sha256(data).hexdigest())
    lies_at = (place / file_key(id, part, path)).resolve()
    assert lies_at.is_relative_to(place.parent), "a test writes into its own folder only"
    lies_at.parent.mkdir(parents=True, exist_ok=True)
    lies_at.write_bytes(data)  # where it would be read from, were it not refused
    write_manifest(objects, Backup(id, made_at, "1", (KeptPart(part, kind, (kept,)),)))


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


@pytest.mark.parametrize(
    ("part", "kind", "path", "said"),
    [
        ("home", "files", "page-secrets.toml", "no backup keeps"),
        ("home", "files", "jobs/x/job.json", "no backup keeps"),
        ("home", "files", "../.bashrc", "manifest is damaged"),
        ("home", "files", "/etc/cron.d/x", "manifest is damaged"),
        ("artifacts", "folder", "../../.ssh/authorized_keys", "manifest is damaged"),
        ("../artifacts", "folder", "x", "manifest is damaged"),
        ("home/../../x.db", "sqlite", "x", "manifest is damaged"),
        ("home/page-secrets.toml", "sqlite", "database.sqlite", "is no database of"),
        ("home/a/b/c.db", "sqlite", "database.sqlite", "is no database of"),
        ("elsewhere", "folder", "x", "has no place here"),
        ("home", "folder", "x", "of the kind folder"),
    ],
)
def test_a_member_that_leads_elsewhere_is_refused(
    settings: Settings, tmp_path: Path, part: str, kind: Kind, path: str, said: str
) -> None:
    forge(tmp_path / "backups", part, kind, path)
    before = everything(tmp_path)
    with pytest.raises(ReelsenseError, match=said):
        restore(settings, str(tmp_path / "backups"), force=True)
    assert everything(tmp_path) == before


def test_a_link_in_a_backups_folder_is_restored_as_what_it_shows(settings: Settings, tmp_path: Path) -> None:
    """Whoever may write there can say what is restored anyway; but a file of the restored folder is a file."""
    forge(tmp_path / "backups", "objects", "folder", "a.txt")
    restore(settings, str(tmp_path / "backups"), force=True)
    found = Path(settings.resolved_object_store) / "a.txt"
    assert found.read_bytes() == DATA
    assert not found.is_symlink()


def test_a_sqlite_file_that_is_none_is_refused_and_an_honest_one_is_not(settings: Settings, tmp_path: Path) -> None:
    forge(tmp_path / "backups", "reviews", "sqlite", "database.sqlite")
    with pytest.raises(StoreError, match="SQLite"):
        restore(settings, str(tmp_path / "backups"), force=True)
    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE a (b)").connection.close()
    forge(tmp_path / "more", "home/extra.db", "sqlite", "database.sqlite", (tmp_path / "a.db").read_bytes())
    restore(settings, str(tmp_path / "more"))
    assert (settings.home / "extra.db").is_file()
    forge(tmp_path / "third", "unknown", "sqlite", "database.sqlite")
    with pytest.raises(InputError, match="no place here"):
        restore(settings, str(tmp_path / "third"))


@pytest.mark.postgres
@pytest.mark.skipif(programs() is None, reason="PostgreSQL's programs are not installed")
def test_a_dump_that_speaks_to_the_client_runs_no_command(tmp_path: Path) -> None:
    """psql has commands of its own, of which one runs a program: what a dump holds is not allowed them."""
    mark, dump, tools = tmp_path / "was-run", tmp_path / "a.dump", programs()
    assert tools is not None
    with running_server() as server, new_database(server) as source, new_database(server) as target:
        plain = source.replace("postgresql+psycopg://", "postgresql://")
        said = f"CREATE TABLE t (b int); COMMENT ON TABLE t IS '{'P' * 300}'"
        subprocess.run([tools / "psql", plain, "-qc", said], check=True)
        subprocess.run([tools / "pg_dump", "-Fc", f"--file={dump}", plain], check=True)
        command = f"';\n\\! touch {mark}\n--"
        kept = dump.read_bytes()
        forged = kept.replace(b"'" + b"P" * 300, command.encode().ljust(301, b"P"))
        assert forged != kept
        dump.write_bytes(forged)
        with suppress(StoreError):
            load_dump(target, dump, tools)
    assert not mark.exists()
