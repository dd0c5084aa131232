"""nginx with its own configuration, in front of services that tell what reached them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from local_server import free_port

ROOT = Path(__file__).resolve().parents[2]
GATE = ("admin", "the-gates-password")
SERVICES = {"ui": 8501, "api": 8000, "mlflow": 5000, "airflow-api": 8080}

pytestmark = pytest.mark.skipif(
    not shutil.which("nginx") or not shutil.which("openssl"), reason="nginx is not here: apt install nginx openssl"
)


class Telling(BaseHTTPRequestHandler):
    """Answers every request with what it was."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response(200)
        for name, value in {"Content-Length": str(len(told)), "X-Frame-Options": "ALLOW", "Server": "inside"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET  # noqa: N815 - the base class's name

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Door:
    """nginx, by HTTP and by HTTPS."""

    plain: str
    safe: str
    log: Path

    def told(self, path: str, **options: object) -> dict[str, object]:
        """What reached the service."""
        answer = requests.get(self.plain + path, timeout=10, **options)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def placed(folder: Path, plain: int, safe: int) -> Path:
    """nginx/ with its places moved into a folder."""
    moved = {
        "/etc/nginx/reelsense": f"{folder}/nginx",
        "/etc/nginx/tls": f"{folder}/tls",
        "/tmp/reelsense": f"{folder}/run",  # noqa: S108
        "/usr/share/reelsense": f"{folder}/nginx/pages",
        "/dev/stdout": f"{folder}/access.log",
        "/dev/stderr": f"{folder}/error.log",
        "listen 8080": f"listen 127.0.0.1:{plain}",
        "listen 8443": f"listen 127.0.0.1:{safe}",
    }
    shutil.copytree(ROOT / "nginx", folder / "nginx")
    (folder / "tls").mkdir()
    for file in (folder / "nginx").iterdir():
        if file.suffix in (".conf", ".sh"):
            text = file.read_text(encoding="utf-8")
            for old, new in moved.items():
                text = text.replace(old, new)
            if file.name == "nginx.conf" and os.geteuid() == 0:
                text = "user root;\n" + text  # else its workers could not read this folder
            file.write_text(text, encoding="utf-8")
    return folder / "nginx" / "start.sh"


def started(start: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    told = {"PATH": f"{os.environ['PATH']}:/usr/sbin", **environment}
    return subprocess.Popen(["sh", start, *words], env=told, stderr=subprocess.PIPE, text=True)


def certificate(folder: Path) -> None:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    out = ["-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *out]
    subprocess.run(made, check=True, capture_output=True)


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, int]]:
    """A telling server for each service."""
    running = {name: ThreadingHTTPServer(("127.0.0.1", 0), Telling) for name in SERVICES}
    for server in running.values():
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield {name: server.server_port for name, server in running.items()}
    for server in running.values():
        server.shutdown()
        server.server_close()


def serving(folder: Path, ports: dict[str, int], tls: bool = False) -> Iterator[Door]:
    plain, safe = free_port(), free_port()
    start = placed(folder, plain, safe)
    if tls:
        certificate(folder / "tls")
    text = start.read_text(encoding="utf-8")
    for name, port in SERVICES.items():
        text = text.replace(f"{name}:{port}", f"{name}:{ports[name]}")
    # No name server knows the services here.
    start.write_text(re.sub(r"\$\(getent [^)]*\)", "127.0.0.1", text), encoding="utf-8")
    process = started(start, GATE_PASSWORD=GATE[1])
    door = Door(f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{safe}", folder / "access.log")
    try:
        for _ in range(100):
            try:
                requests.get(f"{door.plain}/health", timeout=2)
                break
            except requests.ConnectionError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
        yield door
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, services: dict[str, int]) -> Iterator[Door]:
    yield from serving(tmp_path_factory.mktemp("plain"), services)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, services: dict[str, int]) -> Iterator[Door]:
    yield from serving(
        tmp_path_factory.mktemp("tls"), {**services, "mlflow": free_port(), "api": free_port()}, tls=True
    )


def headers(told: dict[str, object]) -> dict[str, str]:
    found = told["headers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/", "/"),
        ("/film?movie=3", "/film?movie=3"),
        ("/api/v1/movies?search=%EB%8B%AC", "/v1/movies?search=%EB%8B%AC"),
        ("/api/v1/jobs", "/v1/jobs"),
        ("/api/v1/jobs/7/result", "/v1/jobs/7/result"),
        ("/api/v1/files/preview?a=1", "/v1/files/preview?a=1"),
        ("/api/v1/predict/file?a=1", "/v1/predict/file?a=1"),
        ("/mlflow/", "/"),
        ("/mlflow/ajax-api/2.0/mlflow/runs/search", "/ajax-api/2.0/mlflow/runs/search"),
        ("/airflow/api/v2/dags", "/airflow/api/v2/dags"),
    ],
)
def test_a_path_reaches_its_service_as_it_knows_it(door: Door, asked: str, reached: str) -> None:
    assert door.told(asked, auth=GATE if asked.startswith(("/mlflow", "/airflow")) else None)["path"] == reached


def test_the_api_gets_the_callers_key_and_no_story_about_the_caller(door: Door) -> None:
    lies = {
        "Authorization": "Bearer rs_1_2",
        "X-Forwarded-For": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "X-Real-IP": "1",
    }
    got = headers(door.told("/api/v1/movies", headers=lies))
    assert got["authorization"] == "Bearer rs_1_2"
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert "forwarded" not in got
    assert "x-real-ip" not in got
    assert len(got["x-request-id"]) == 32


def test_mlflow_is_behind_the_gate_and_never_sees_its_password(door: Door) -> None:
    for wrong in (None, ("admin", "admin"), ("root", GATE[1])):
        assert requests.get(f"{door.plain}/mlflow/", auth=wrong, timeout=10).status_code == 401
    bearer = {"Authorization": "Bearer of-ones-own-making"}
    assert requests.get(f"{door.plain}/mlflow/", headers=bearer, timeout=10).status_code == 401
    got = headers(door.told("/mlflow/", auth=GATE))
    assert got["host"] == "mlflow:5000"
    assert "authorization" not in got


def test_airflow_is_behind_the_gate_but_checks_bearers_itself(door: Door) -> None:
    assert requests.get(f"{door.plain}/airflow/", timeout=10).status_code == 401
    assert "authorization" not in headers(door.told("/airflow/", auth=GATE))
    assert (
        headers(door.told("/airflow/api/v2/dags", headers={"Authorization": "Bearer x"}))["authorization"] == "Bearer x"
    )


def test_bodies_are_as_large_as_their_path_allows(door: Door) -> None:
    large = b"a" * (11 << 20)
    refused = requests.post(f"{door.plain}/api/v1/predict", data=large, timeout=30)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert refused.json()["type"] == "urn:reelsense:problem:too-large"
    for path in ("/api/v1/jobs", "/api/v1/files/preview", "/api/v1/predict/file"):
        assert requests.post(door.plain + path, data=large, timeout=30).status_code == 200, path


@pytest.mark.parametrize("path", ["/mlflow/ajax-api/2.0/mlflow/experiments/create", "/airflow/auth/token"])
def test_other_sites_may_not_use_a_browsers_password(door: Door, path: str) -> None:
    def post(origin: str) -> int:
        return requests.post(door.plain + path, headers={"Origin": origin}, auth=GATE, timeout=10).status_code

    assert post(door.plain) == 200
    assert post(door.plain.replace("http:", "https:")) == 200
    for foreign in ("https://elsewhere.example", f"{door.plain}.elsewhere.example", "null", door.plain + "0"):
        assert post(foreign) == 403, foreign


@pytest.mark.parametrize("path", ["/api/metrics", "/api//metrics", "/api/v1/../metrics", "/airflow/execution/health"])
def test_what_is_for_inside_is_not_told(door: Door, path: str) -> None:
    request = requests.Request("GET", door.plain).prepare()
    request.url = door.plain + path
    with requests.Session() as session:
        assert session.send(request, timeout=10).status_code == 404


def test_every_answer_carries_the_headers_that_protect_once(door: Door) -> None:
    for path in ("/", "/api/v1/movies", "/platform/", "/mlflow/", "/api/metrics"):
        got = requests.get(door.plain + path, timeout=10).headers
        assert got["X-Frame-Options"] == "SAMEORIGIN", path
        assert got["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors" in got["Content-Security-Policy"], path
        assert got["Server"] == "nginx", path


def test_a_service_that_is_away_is_told_in_both_languages_or_as_a_problem(locked: Door) -> None:
    def ask(path: str, **options: object) -> requests.Response:
        return requests.get(locked.safe + path, verify=False, timeout=10, **options)  # type: ignore[arg-type]  # noqa: S501

    page = ask("/mlflow/", auth=GATE)
    assert page.status_code == 502
    assert "잠시만 기다려 주세요" in page.content.decode()
    assert "does not answer" in page.text
    problem = ask("/api/v1/movies")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert problem.headers["Retry-After"] == "5"
    assert (problem.json()["status"], problem.json()["title"]) == (503, "다른 서비스가 응답하지 않습니다")
    english = ask("/api/v1/movies", headers={"Accept-Language": "en-GB,en;q=0.9,ko;q=0.5"}).json()
    assert english["title"] == "Another service does not answer"
    assert english["type"] == "urn:reelsense:problem:service-away"


def test_with_a_certificate_http_leads_to_https(locked: Door) -> None:
    led = requests.get(f"{locked.plain}/film?movie=3", allow_redirects=False, timeout=10)
    assert (led.status_code, led.headers["Location"]) == (308, "https://127.0.0.1/film?movie=3")
    answer = requests.get(f"{locked.safe}/", verify=False, timeout=10)  # noqa: S501
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.json()["headers"]["x-forwarded-proto"] == "https"


def test_old_tls_is_refused(locked: Door) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    host, port = locked.safe.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), 5) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_a_renewed_certificate_is_taken_without_a_restart_though_its_key_comes_later(
    locked: Door, tmp_path: Path
) -> None:
    def shown() -> str:
        host, port = locked.safe.removeprefix("https://").split(":")
        return ssl.get_server_certificate((host, int(port)))

    def until(so: Callable[[], bool]) -> None:
        for _ in range(200):
            if so():
                return
            time.sleep(0.1)
        raise AssertionError("it did not come to be")

    folder = locked.log.parent
    before, kept = shown(), (folder / "run" / "server.conf").read_text()
    certificate(tmp_path)
    shutil.copy(tmp_path / "fullchain.pem", folder / "tls")
    until(lambda: (folder / "run" / "server.conf").read_text() not in ("", kept))
    time.sleep(0.5)  # nginx has refused the one without the other
    assert shown() == before
    shutil.copy(tmp_path / "privkey.pem", folder / "tls")
    until(lambda: shown() != before)


def test_the_log_is_json_without_queries_and_credentials(door: Door) -> None:
    door.told("/api/v1/overview?search=secret-search", headers={"Authorization": "Bearer secret-key"})
    for _ in range(100):  # a line is written after its answer
        said = door.log.read_text(encoding="utf-8")
        last = json.loads(said.splitlines()[-1])
        if last["path"] == "/api/v1/overview":
            break
        time.sleep(0.05)
    assert (last["path"], last["status"]) == ("/api/v1/overview", 200)
    assert "secret" not in said


@pytest.mark.parametrize(
    ("environment", "said"),
    [({}, "set GATE_PASSWORD"), ({"GATE_PASSWORD": "given-given", "TLS": "required"}, "TLS=required")],
)
def test_it_does_not_start_half_safe(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    process = started(placed(tmp_path, free_port(), free_port()), **environment)
    assert process.wait(20) == 2
    assert process.stderr is not None
    assert said in process.stderr.read()


def test_the_configuration_is_valid_with_no_service_there(tmp_path: Path) -> None:
    process = started(placed(tmp_path, free_port(), free_port()), "check", GATE_PASSWORD="given-given")
    assert process.wait(20) == 0
