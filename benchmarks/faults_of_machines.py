"""A machine that fails: its disk is full, its clock jumps."""

from __future__ import annotations

import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disturbed import Disturbed
from fault import Fault, Try
from faults_at_once import devsite
from kills import SUBJECTS
from subjects import SERVERS

_ON_SMALL_DISKS = ("crawl", "score", "label", "export", "score-file", "backup")
_MEGABYTES = 64
_PIECE = 64 * 1024


@contextmanager
def _full(place: Path) -> Iterator[Try]:
    """A file system in memory that is full while a pipeline runs, and has room again afterwards."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = []
    with devsite(place):
        try:
            ready = {}
            for subject in SUBJECTS:
                if subject.name in _ON_SMALL_DISKS:
                    disk = place / subject.name / "world"
                    disk.mkdir(parents=True)
                    options = ("-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(disk))
                    subprocess.run(["mount", *options], check=True)
                    mounted.append(disk)
                    it = Disturbed(subject, place / subject.name)
                    it.base = disk / "in"
                    ready[subject.name] = it.prepare()

            def one(number: int, chance: random.Random) -> tuple[str, str]:
                it = ready[_ON_SMALL_DISKS[number % len(_ON_SMALL_DISKS)]]
                it.renew()
                filler = it.base.parent / "filler"
                delay, room = chance.uniform(0, it.seconds / 2), chance.choice((0, 0, 1, 4, 16)) * _PIECE

                def fill() -> None:
                    time.sleep(delay)
                    with filler.open("wb", buffering=0) as file:
                        try:
                            while True:
                                file.write(bytes(_PIECE))
                        except OSError:
                            os.truncate(filler, max(0, filler.stat().st_size - room))

                said = it.attempt(fill)
                filler.unlink()  # SQLite needs room even to read what was not closed
                wrong = it.wrong_now() or it.wrong_after()
                bad = said not in ("done", "StoreError", "InputError", "RegistryError")
                return said, wrong or (f"not in words: {it.subject.name}: {said}" if bad else "")

            yield one
        finally:
            for disk in mounted:
                subprocess.run(["umount", str(disk)], check=False)


_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *shift(void) {
  static volatile long *at;
  if (!at) {
    int file = open(getenv("CLOCK_SHIFT"), O_RDONLY);
    at = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
  }
  return at;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += *shift();
  return answer;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *into) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (into) *into = exact.tv_sec;
  return exact.tv_sec;
}
"""
_JUMPS = (-86400 * 400, -86400, -3600, -61, -1, 1, 61, 3600, 86400, 86400 * 40)


@contextmanager
def _clock(place: Path) -> Iterator[Try]:
    """Crawl, score, label, snapshot while the wall clock jumps, by a library that is loaded before the C library."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "shim.c").write_text(_SHIM, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", place / "shim.so", place / "shim.c", "-ldl"], check=True)
    shift = place / "shift"
    shift.write_bytes(struct.pack("l", 0))
    script = Path(__file__).with_name("clock_rounds.py")
    with devsite(place):
        environment = {**os.environ, "LD_PRELOAD": str(place / "shim.so"), "CLOCK_SHIFT": str(shift)}
        process = subprocess.Popen(
            [sys.executable, str(script), str(place / "rounds"), SERVERS["devsite"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        calm = _round(process, 0)

        def one(number: int, chance: random.Random) -> tuple[str, str]:
            until = time.monotonic() + 30
            _say(process, str(number + 1))
            jumps = 0
            while not select.select([process.stdout], [], [], chance.uniform(0.02, 0.15))[0]:
                _set(shift, chance.choice(_JUMPS))
                jumps += 1
                assert time.monotonic() < until + 300
            assert process.stdout is not None
            _set(shift, 0)
            seen = _looked(process)
            return "done", "" if seen == calm else f"{seen.strip()} and not {calm.strip()}"

        try:
            yield one
        finally:
            process.kill()
            process.wait()


def _set(shift: Path, seconds: int) -> None:
    # In place: the file is mapped, and may not be shorter for a moment.
    with shift.open("r+b", buffering=0) as file:
        file.write(struct.pack("l", seconds))


def _round(process: subprocess.Popen[str], number: int) -> str:
    _say(process, str(number))
    return _looked(process)


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _looked(process: subprocess.Popen[str]) -> str:
    """What is there after a round, or how it broke."""
    assert process.stdout is not None
    said = process.stdout.readline()
    if said.strip() != "worked":
        return said
    _say(process, "look")
    return process.stdout.readline()


MACHINE_FAULTS = (
    Fault("full-disk", f"no room on the disk under {', '.join(_ON_SMALL_DISKS)}", 60, _full),
    Fault("clock", "the wall clock jumps between 400 days back and 40 ahead, many times a run", 40, _clock),
)
