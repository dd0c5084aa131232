"""A running stack (`make up`): memory at rest and under load, sizes, a rebuild, and what each fault does under load.

    python benchmarks/containers.py [--folder .] [--skip-faults]

Processes are killed by their number on this machine, as a crash would: after `docker kill` nothing is started again.
It needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "containers"))
from stack import Stack, told_by
from tables import publish, table

CLIENTS = 4
CRASHED = (
    "api", "ui", "mlflow", "airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer",
    "postgres", "nginx",
)  # fmt: skip


@dataclass
class Load:
    """Predictions through nginx, one after the other from each client, and when they failed."""

    stack: Stack
    answered: int = 0
    failed: list[float] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """One client, until it is stopped."""
        url, key = f"{self.stack.address}/api/v1/predict", self.stack.told["REELSENSE_LINKS__API_KEY"]
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {key}"
            number = 0
            while not self.stopped.wait(0.1):
                number += 1
                try:
                    answer = session.post(url, json={"texts": [f"정말 재미있어요 {number}"]}, timeout=10)
                    well = answer.status_code == 200
                except requests.RequestException:
                    well = False
                if well:
                    self.answered += 1
                else:
                    self.failed.append(time.monotonic())


def loaded(stack: Stack, act: Callable[[], None], healed: Callable[[], bool], most: float = 180) -> list[str]:
    """What happens to predictions while something happens: answered, failed, for how long, and when all is well."""
    load = Load(stack)
    clients = [threading.Thread(target=load.run) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(3)
    began = time.monotonic()
    act()
    time.sleep(1)
    while not healed() and time.monotonic() - began < most:
        time.sleep(0.5)
    whole = time.monotonic() - began
    time.sleep(3)
    load.stopped.set()
    for client in clients:
        client.join()
    lasted = f"{load.failed[-1] - load.failed[0]:.1f} s" if load.failed else "–"
    return [str(load.answered), str(len(load.failed)), lasted, f"{whole:.0f} s" if whole < most else "no"]


def states(stack: Stack) -> dict[str, tuple[str, str]]:
    """State and health of each running service."""
    listed = [json.loads(line) for line in stack.compose("ps", "-a", "--format", "json").splitlines()]
    return {one["Service"]: (one["State"], one["Health"]) for one in listed}


def container(stack: Stack, service: str) -> str:
    """The number of a service's container."""
    return stack.compose("ps", "-q", service).split()[0]


def crash(stack: Stack, service: str) -> None:
    """Kill its first process from outside."""
    number = container(stack, service)
    pid = subprocess.check_output(["docker", "inspect", "-f", "{{.State.Pid}}", number], text=True)
    os.kill(int(pid), signal.SIGKILL)


def well(stack: Stack, service: str) -> Callable[[], bool]:
    """Whether a service runs again, is healthy where it says, and the API answers."""

    def healed() -> bool:
        state, health = states(stack).get(service, ("", ""))
        try:
            ready = stack.api("/readyz").ok
        except requests.RequestException:
            return False
        return state == "running" and health in ("", "healthy") and ready

    return healed


def faults(stack: Stack) -> list[list[str]]:
    """A row for each fault."""
    rows = []
    for service in CRASHED:
        rows.append(
            [f"{service} is killed", *loaded(stack, lambda one=service: crash(stack, one), well(stack, service))]
        )
        print(rows[-1], file=sys.stderr, flush=True)
        time.sleep(5)
    network = f"{stack.project}_services"
    api = container(stack, "api")

    def cut() -> None:
        subprocess.run(["docker", "network", "disconnect", network, api], check=True)
        time.sleep(20)
        subprocess.run(["docker", "network", "connect", "--alias", "api", network, api], check=True)

    rows.append(["api cut off from mlflow for 20 s", *loaded(stack, cut, well(stack, "api"))])
    print(rows[-1], file=sys.stderr, flush=True)

    def restart_in_crawl() -> None:
        started = stack.airflow("dags/review_crawl_megabox/dagRuns", {"logical_date": None, "conf": {}})
        path = f"dags/review_crawl_megabox/dagRuns/{started['dag_run_id']}"
        time.sleep(8)
        stack.compose("restart", "postgres")
        until = time.monotonic() + 400
        while time.monotonic() < until:
            try:
                if (state := stack.airflow(path)["state"]) in ("success", "failed"):
                    print(f"the crawl ended: {state}", file=sys.stderr, flush=True)
                    return
            except (requests.RequestException, AssertionError):
                pass
            time.sleep(3)

    rows.append(["postgres restarted in mid-crawl", *loaded(stack, restart_in_crawl, well(stack, "postgres"), 500)])
    return rows


def memory() -> dict[str, str]:
    """What each container takes now."""
    words = ["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"]
    lines = subprocess.check_output(words, text=True).splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--skip-faults", action="store_true")
    asked = parser.parse_args()
    told = told_by(asked.folder)
    stack = Stack(asked.folder.resolve(), "reelsense", told.get("PUBLIC_ADDRESS", "http://localhost"), told)
    parts: list[str] = []

    began = time.monotonic()
    stack.compose("down", "--timeout", "30")
    down = time.monotonic() - began
    began = time.monotonic()
    stack.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", "400")
    parts.append(f"Down in {down:.0f} s; from `up` to all healthy {time.monotonic() - began:.0f} s.")

    time.sleep(60)
    rest = memory()
    load = Load(stack)
    clients = [threading.Thread(target=load.run) for _ in range(16)]
    for client in clients:
        client.start()
    time.sleep(20)
    busy = memory()
    load.stopped.set()
    for client in clients:
        client.join()
    rows = [[name, rest[name], busy.get(name, "")] for name in sorted(rest)]
    parts.append(table(["container", "at rest", "16 callers"], rows))

    listed = subprocess.check_output(["docker", "images", "--format", "{{.Repository}} {{.Size}}"], text=True)
    sizes = sorted({tuple(line.split()) for line in listed.splitlines() if line.startswith("reelsense-")})
    parts.append(table(["image", "size"], [list(one) for one in sizes]))

    source = asked.folder / "src" / "reelsense" / "types.py"
    before = source.read_text(encoding="utf-8")
    source.write_text(before + "\n# one line more\n", encoding="utf-8")
    try:
        began = time.monotonic()
        stack.compose("build", "api")
        parts.append(f"The API's image after a line of the core was changed: {time.monotonic() - began:.1f} s.")
    finally:
        source.write_text(before, encoding="utf-8")
    if not asked.skip_faults:
        told_columns = ["fault", "answered", "failed", "failed for", "all well after"]
        parts.append(f"{CLIENTS} callers, ten predictions a second each at most:")
        parts.append(table(told_columns, faults(stack)))
    publish("containers", "The stack in containers", "\n\n".join(parts))


if __name__ == "__main__":
    main()
