"""Whole databases out to a file and back: SQLite by its online backup, PostgreSQL by its own programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from reelsense.errors import InputError, StoreError, installing
from reelsense.store.urls import cause, parsed, shown

_PIECE = 1024 * 1024
# How long a SQLite file may be locked by its writers, and PostgreSQL's tables by a service, in seconds.
_SQLITE_WAIT = 300.0
_LOCK_WAIT = 30
# Everything of ours that is there goes first, also what a newer schema added. One transaction with what follows.
_EMPTIED = """
DO $$
DECLARE
  statements text[];
  one text;
BEGIN
  SELECT array_agg(said ORDER BY rank) INTO statements FROM (
    SELECT 1 AS rank, format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) AS said FROM pg_namespace
      WHERE nspname NOT IN ('public', 'information_schema') AND nspname !~ '^pg_'
    UNION ALL
    SELECT 2, format('DROP %s IF EXISTS public.%I CASCADE',
        CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
          ELSE 'TABLE' END, relname) FROM pg_class c
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 3, format('DROP SEQUENCE IF EXISTS public.%I CASCADE', relname) FROM pg_class c
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 4, format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p
      WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 5, format('DROP TYPE IF EXISTS public.%I CASCADE', typname) FROM pg_type t
      WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
  ) AS found;
  FOREACH one IN ARRAY coalesce(statements, ARRAY[]::text[]) LOOP
    EXECUTE one;
  END LOOP;
END $$;
"""
_RELATIONS = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for PostgreSQL. Raises InputError for others, StoreError for what is no URL."""
    place = parsed(url)
    if place.get_backend_name() == "postgresql":
        return None
    if place.get_backend_name() != "sqlite" or place.database in (None, "", ":memory:"):
        raise InputError(
            f"A database of the kind '{place.get_backend_name()}' can't be backed up; "
            "expected sqlite:///FILE or postgresql://…"
        )
    return Path(str(place.database))


def copy_sqlite(path: Path, to: Path) -> None:
    """A consistent copy of a SQLite file that others may be writing to. Raises StoreError."""
    begun = time.monotonic()

    def patience(_status: int, _remaining: int, _total: int) -> None:
        if time.monotonic() - begun > _SQLITE_WAIT:
            raise StoreError(f"'{path}' has been locked by another process for {_SQLITE_WAIT:.0f} s.")

    try:
        with (
            # Not read-only: what a killed writer has left in the journal has first to be undone or taken in.
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target, progress=patience)
    except sqlite3.Error as error:
        raise StoreError(f"'{path}' can't be copied: {error}") from error


def check_sqlite(path: Path) -> None:
    """Raises StoreError when the file is not a sound SQLite database."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise StoreError(f"'{path.name}' is not a sound SQLite database: {found}")


def replace_sqlite(path: Path, by: Path) -> None:
    """Put a file in the place of a database, whose journals go first: they belong to what is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for ending in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    by.replace(path)


def filled(url: str) -> bool:
    """Whether a database has tables; a file that is not there has none. Raises StoreError."""
    path = sqlite_file(url)
    if path is not None:
        return path.exists() and path.stat().st_size > 0
    try:
        engine = sa.create_engine(parsed(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            return bool(connection.execute(sa.text(_RELATIONS)).scalar_one())
    except SQLAlchemyError as error:
        raise StoreError(f"The database {_without_password(url)} can't be reached: {cause(error)}") from error
    except ModuleNotFoundError as error:
        raise StoreError(f"PostgreSQL needs '{error.name}': {installing('postgres')}.") from None


@contextmanager
def postgres_dump(url: str, programs: Path | None = None) -> Iterator[_Dump]:
    """A stream of `pg_dump`; its last read raises StoreError when the program failed."""
    command = [_program("pg_dump", programs), "--format=custom", "--no-password", f"--dbname={_without_password(url)}"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=_environment(url))
        try:
            yield _Dump(process, said, _without_password(url))
        finally:
            _end(process)


class _Dump:
    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes], shown: str) -> None:
        self._process, self._said, self._shown = process, said, shown

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the dump. Raises StoreError at its end when it is not whole."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        data = self._process.stdout.read(size)
        if (size < 0 or len(data) < size) and self._process.wait() != 0:
            raise StoreError(f"pg_dump of {self._shown} failed: {_last_words(self._said)}")
        return data


def check_dump(path: Path, programs: Path | None = None) -> None:
    """Raises StoreError when `pg_restore` can't read the file's table of contents."""
    done = subprocess.run([_program("pg_restore", programs), "--list", str(path)], capture_output=True, check=False)
    if done.returncode != 0:
        raise StoreError(f"pg_restore can't read the dump: {done.stderr.decode(errors='replace').strip()[-500:]}")


def load_dump(url: str, path: Path, programs: Path | None = None) -> None:
    """Replace everything in a PostgreSQL database by a dump, in one transaction: all of it or nothing.

    Raises StoreError, also when a service holds the tables.
    """
    reader = [_program("pg_restore", programs), "--no-owner", "--no-privileges", "--file=-", str(path)]
    writer = [
        *(_program("psql", programs), "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"),
        *("--single-transaction", f"--dbname={_without_password(url)}", "--file=-"),
    ]
    waits = {"PGOPTIONS": f"-c lock_timeout={_LOCK_WAIT}s -c client_min_messages=warning"}
    with tempfile.TemporaryFile() as read_said, tempfile.TemporaryFile() as write_said:
        source = subprocess.Popen(reader, stdout=subprocess.PIPE, stderr=read_said)
        target = subprocess.Popen(
            writer,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=write_said,
            env={**_environment(url), **waits},
        )
        assert source.stdout is not None  # noqa: S101
        assert target.stdin is not None  # noqa: S101
        try:
            try:
                target.stdin.write(_EMPTIED.encode())
                shutil.copyfileobj(source.stdout, target.stdin, _PIECE)
                # The end of what psql reads is its word to commit: not before the dump was read whole.
                if source.wait() != 0:
                    raise StoreError(f"pg_restore failed: {_last_words(read_said)}")
                target.stdin.close()
            except BrokenPipeError:
                pass
            if target.wait() != 0:
                why = _last_words(write_said)
                hint = " Stop the services that use it first." if "lock timeout" in why else ""
                raise StoreError(f"{_without_password(url)} was left as it was: {why}{hint}")
        finally:
            # Killed before its input ends, psql commits nothing.
            _end(target)
            _end(source)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()


def _program(name: str, programs: Path | None) -> str:
    found = shutil.which(name, path=str(programs) if programs else None)
    if found is None:
        where = f"in {programs}" if programs else "on PATH"
        raise StoreError(f"'{name}' is not {where}: install the package postgresql-client, of the server's version.")
    return found


def _without_password(url: str) -> str:
    return shown(parsed(url).set(drivername="postgresql"))


def _environment(url: str) -> dict[str, str]:
    # A command line is read by everybody on a machine, an environment by its owner.
    place = parsed(url)
    given = place.password if place.password is not None else place.query.get("password")
    password = {"PGPASSWORD": str(given)} if given is not None else {}
    return {**os.environ, "PGCONNECT_TIMEOUT": "10", **password}


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read()[-4000:].decode(errors="replace").strip().splitlines()
    return " ".join(line.strip() for line in lines[-3:]) or "it said nothing"
