"""S3 that answers 500 and 503, falls silent and breaks off, and an MLflow server that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests
from disturbed import Disturbed
from fault import Fault, Try
from faults_at_once import devsite
from faulty_relay import relay
from forks import killed_after, serving
from kills import SUBJECTS
from subjects import SERVERS, Subject, settings_in
from subjects_models import registry_seen

from local_server import free_port  # isort: skip
from small_models import log_folder, small_baseline  # isort: skip

from reelsense.registry.versions import promote, register

_ON_S3 = ("export", "backup", "retrain")
_RATES = (0.1, 0.3, 0.6)
_BUCKET = "reelsense"


def _moto(tell: Callable[[str], None]) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    tell(f"http://{host}:{port}")
    while True:
        time.sleep(60)


def _impatient() -> None:
    import reelsense.objects as objects
    import reelsense.pipelines.smoke as smoke

    objects._READ_SECONDS = 1  # silence lasts longer
    smoke._BETWEEN_FETCHES = 0.1


@contextmanager
def _s3(place: Path) -> Iterator[Try]:
    place.mkdir(parents=True, exist_ok=True)
    rate = place / "rate"
    rate.write_text("0", encoding="utf-8")
    moto, behind = serving(_moto, place / "moto")
    faulty, address = serving(partial(relay, behind, rate), place / "relay")
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ |= {**keys, "AWS_ENDPOINT_URL_S3": address, "MLFLOW_S3_ENDPOINT_URL": address}
    try:
        assert requests.put(f"{behind}/{_BUCKET}", timeout=10).ok
        with devsite(place):
            yield _tries(place, rate)
    finally:
        for name in ("objects", "artifacts", "backups"):
            SERVERS.pop(name, None)
        for name in (*keys, "AWS_ENDPOINT_URL_S3", "MLFLOW_S3_ENDPOINT_URL"):
            os.environ.pop(name)
        killed_after(faulty, 0)
        killed_after(moto, 0)


def _tries(place: Path, rate: Path) -> Try:
    ready: dict[str, Disturbed] = {}

    def one(number: int, _chance: random.Random) -> tuple[str, str]:
        name = _ON_S3[number % len(_ON_S3)]
        prefix = f"s3://{_BUCKET}/{name}-{number}"
        SERVERS.update({"objects": f"{prefix}/objects", "artifacts": f"{prefix}/models", "backups": f"{prefix}/kept"})
        subject = next(subject for subject in SUBJECTS if subject.name == name)
        rate.write_text("0", encoding="utf-8")
        # A prefix of its own for each try; what an undisturbed run leaves is known from the first.
        it = Disturbed(subject, place / f"{name}-{number}")
        it.fill()
        if name == "backup":
            it.measure()  # a backup of this very home, to compare the next one with
            ready[name] = it
        elif name not in ready:
            it.measure()
            ready[name] = it
            SERVERS.update({k: f"{v}-again" for k, v in SERVERS.items() if k in ("objects", "artifacts", "backups")})
            it = Disturbed(subject, place / f"{name}-{number}-again")
            it.fill()
        it.calm = ready[name].calm
        share = _RATES[number // len(_ON_S3) % len(_RATES)]
        said = it.attempt(lambda: rate.write_text(str(share), encoding="utf-8"), _impatient)
        rate.write_text("0", encoding="utf-8")
        wrong = it.wrong_after()
        bad = said not in ("done", "StoreError", "RegistryError", "ModelError")
        return f"{share:.0%}: {said}", wrong or (f"not in words: {name}: {said}" if bad else "")

    return one


class _Mlflow:
    """A real server, killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.uri, self._folder = f"http://127.0.0.1:{port}", folder
        self._command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ]

    def start(self) -> None:
        environment = {
            **os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"
        }  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True, env=environment
            )
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                if requests.get(f"{self.uri}/health", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        raise AssertionError("the MLflow server does not start")

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _register(base: Path) -> None:
    settings = settings_in(base)
    for seed in range(2):
        key = f"{settings.registered_model}-{seed}"
        folder = small_baseline(base / f"trained-{seed}", seed)
        promote(settings, register(settings, log_folder(settings, folder, key), key).version)


def _registered(base: Path) -> object:
    settings = settings_in(base)
    seen = registry_seen(settings, f"{settings.registered_model}-")
    return [
        seen["answers"],
        [version[1] for version in seen["versions"]],
        [key.rpartition("-")[2] for key in seen["runs"]],
    ]


@contextmanager
def _mlflow(place: Path) -> Iterator[Try]:
    place.mkdir(parents=True, exist_ok=True)
    server = _Mlflow(place)
    server.start()
    SERVERS["mlflow"] = server.uri
    subject = Subject("register", "", lambda base: base.mkdir(parents=True, exist_ok=True), _register, _registered)
    try:
        SERVERS["model"] = "calm"
        calm = Disturbed(subject, place / "calm").prepare()

        def one(number: int, chance: random.Random) -> tuple[str, str]:
            SERVERS["model"] = f"model{number}"
            it = Disturbed(subject, place / str(number))
            it.fill()
            it.calm = calm.calm

            def meanwhile() -> None:
                time.sleep(chance.uniform(0, calm.seconds))
                server.kill()

            said = it.attempt(meanwhile)
            server.start()
            wrong = it.wrong_after()
            return said, wrong or ("" if said in ("done", "RegistryError") else f"not in words: {said}")

        yield one
    finally:
        SERVERS.pop("mlflow")
        SERVERS.pop("model", None)
        server.kill()


SERVICE_FAULTS = (
    Fault(
        "s3", "S3: 500, 503, silence, answers cut off on 10, 30, 60 % of connections; export, backup, retrain", 27, _s3
    ),
    Fault("mlflow-killed", "the MLflow server killed while two versions are logged, registered, promoted", 10, _mlflow),
)
