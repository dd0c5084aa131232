"""What a full disk does to a running stack, and that it heals once there is room again.

    python benchmarks/full_disk.py

Starts a stack of its own from the images at hand (`sh deploy/build-images.sh`), with the volumes of PostgreSQL and of
the services' home on small file systems in memory. Mounting them needs root.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import yaml
from containers import CLIENTS, loaded, well
from local_server import free_port
from stack import ALONE, Stack, prepared, told_by
from tables import publish, table

PROJECT = "reelsense-full"
MEGABYTES = {"postgres": 400, "home": 64}
FOLDERS = {"postgres": "/var/lib/postgresql/data", "home": "/var/lib/reelsense/home"}
FILLED_FOR = 30.0
REVIEWS = "review\n" + "\n".join(f"영화 {number}번 정말 재미있다" for number in range(20_000))


def main() -> None:
    """Start, fill one volume after the other, print."""
    with tempfile.TemporaryDirectory() as temporary, small_stack(Path(temporary)) as stack:
        for source in ("megabox", "lotte"):
            assert stack.run_dag(f"review_crawl_{source}") == "success"
        before = reviews(stack)
        rows = [
            ["home is full for 30 s", *filled(stack, "home", "api", lambda: upload(stack))],
            ["PostgreSQL's volume is full for 30 s", *filled(stack, "postgres", "postgres", lambda: crawl(stack))],
        ]
        crawled = stack.run_dag("review_crawl_cgv")
        kept = reviews(stack)
        after = (
            f"Afterwards, without a restart by hand: {upload(stack)}; a crawl: {crawled}; "
            f"of {before} reviews {min(before, kept)} are there, with {kept - before} new ones."
        )
    columns = ["fault", "answered", "failed", "failed for", "all well after", "what was tried meanwhile"]
    publish("full_disk", f"A full disk, {CLIENTS} callers", table(columns, rows) + "\n\n" + after)


def filled(stack: Stack, volume: str, by: str, meanwhile: Callable[[], str]) -> list[str]:
    """Predictions while a volume is full and after, and what else was tried then."""
    path, told = f"{FOLDERS[volume]}/filler", []

    def fill() -> None:
        # Until dd can't write any more, which is how it ends.
        stack.compose("exec", "-T", by, "dd", "if=/dev/zero", f"of={path}", "bs=64k", check=False)
        began = time.monotonic()
        told.append(meanwhile())
        time.sleep(max(0.0, FILLED_FOR - (time.monotonic() - began)))
        (stack.folder / "small" / volume / "filler").unlink()

    row = loaded(stack, fill, well(stack, by), 300)
    print(volume, row, told, file=sys.stderr, flush=True)
    return [*row, told[0]]


def upload(stack: Stack) -> str:
    """What becomes of a file of reviews."""
    headers = {"Authorization": f"Bearer {stack.told['REELSENSE_LINKS__API_KEY']}"}
    try:
        answer = requests.post(
            f"{stack.address}/api/v1/jobs", files={"file": ("a.csv", REVIEWS.encode())}, headers=headers, timeout=60
        )
        if answer.status_code != requests.codes.accepted:
            return f"an upload: {answer.status_code}, {answer.json().get('title')}"
        for _ in range(60):
            job = stack.api(f"/v1/jobs/{answer.json()['id']}").json()
            if job["state"] not in ("queued", "running"):
                return f"an upload: {job['state']}"
            time.sleep(1)
    except (requests.RequestException, ValueError) as error:
        return f"an upload: {type(error).__name__}"
    return "an upload: not ended within a minute"


def crawl(stack: Stack) -> str:
    """What becomes of a crawl that can't write."""
    try:
        return f"a crawl: {stack.run_dag('review_crawl_cgv', seconds=25)}"
    except AssertionError:
        return "a crawl: waits for the database"
    except requests.RequestException as error:
        return f"a crawl: not started ({type(error).__name__})"


def reviews(stack: Stack) -> int:
    """How many reviews the API knows of."""
    return sum(film["reviews"] for film in stack.api("/v1/movies?limit=500").json()["movies"])


@contextmanager
def small_stack(folder: Path) -> Iterator[Stack]:
    """The stack of tests/containers with two of its volumes on file systems that are soon full."""
    http, https = str(free_port()), str(free_port())
    settings = {"HTTP_PORT": http, "HTTPS_PORT": https, "PUBLIC_ADDRESS": f"http://127.0.0.1:{http}"}
    prepared(folder, COMPOSE_FILE="docker-compose.yml:small.yml", **settings, **ALONE)
    volumes = {}
    for name, size in MEGABYTES.items():
        place = folder / "small" / name
        place.mkdir(parents=True)
        # The services' user owns its home; PostgreSQL's own entry point owns its folder.
        owner = ",uid=10001,gid=10001" if name == "home" else ""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m{owner}", "tmpfs", str(place)], check=True)
        volumes[name] = {"driver_opts": {"type": "none", "o": "bind", "device": str(place)}}
    (folder / "small.yml").write_text(yaml.safe_dump({"volumes": volumes}), encoding="utf-8")
    stack = Stack(folder, PROJECT, settings["PUBLIC_ADDRESS"], told_by(folder))
    try:
        stack.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", "400")
        yield stack
    finally:
        stack.compose("down", "-v", "--timeout", "20", check=False)
        for name in MEGABYTES:
            subprocess.run(["umount", str(folder / "small" / name)], check=False)


if __name__ == "__main__":
    main()
