"""What somebody on the open internet gets who tries the usual things."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from stack import Stack

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300, func_only=True)]


def raw(stack: Stack, sent: str | bytes, seconds: float = 8) -> str:
    """What comes back for bytes as they are: the first 64 kB, or nothing."""
    place = urlsplit(stack.address)
    with socket.create_connection((place.hostname, place.port), timeout=seconds) as connection:
        connection.sendall(sent.encode("latin-1") if isinstance(sent, str) else sent)
        got = b""
        try:
            while len(got) < 1 << 16 and (block := connection.recv(1 << 14)):
                got += block
        except TimeoutError:
            pass
    return got.decode("latin-1")


def statuses(answer: str) -> list[int]:
    """The statuses of all answers that came over one connection."""
    return [int(line.split()[1]) for line in answer.splitlines() if line.startswith("HTTP/1.1 ")]


def test_only_nginxs_two_ports_are_open(stack: Stack) -> None:
    listed = [json.loads(line) for line in stack.compose("ps", "--format", "json").splitlines()]
    published = {port["PublishedPort"] for one in listed for port in one["Publishers"] if port["PublishedPort"]}
    assert published == {int(stack.told["HTTP_PORT"]), int(stack.told["HTTPS_PORT"])}


@pytest.mark.parametrize(
    "path", ["/mlflow/", "/airflow/", "/airflow/api/v2/dags", "/mlflow/api/2.0/mlflow/experiments/search"]
)
@pytest.mark.parametrize(
    "who", [None, ("admin", "admin"), ("admin", "password"), ("airflow", "airflow"), ("admin", "")]
)
def test_default_credentials_open_nothing(stack: Stack, path: str, who: tuple[str, str] | None) -> None:
    assert requests.get(stack.address + path, auth=who, timeout=30).status_code == 401


def test_a_bearer_of_ones_own_making_opens_neither_airflow_nor_mlflow(stack: Stack) -> None:
    made = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."}
    for path in (
        "/airflow/api/v2/dags",
        "/airflow/api/v2/connections",
        "/mlflow/ajax-api/2.0/mlflow/experiments/search",
    ):
        assert requests.get(stack.address + path, headers=made, timeout=30).status_code in (401, 403), path


def test_airflows_own_sign_in_refuses_default_passwords(stack: Stack) -> None:
    for password in ("admin", "airflow", "CHANGE-ME"):
        body = {"username": "admin", "password": password}
        answer = requests.post(f"{stack.address}/airflow/auth/token", json=body, auth=stack.gate, timeout=30)
        assert answer.status_code in (401, 403, 422), password


def test_another_site_can_not_use_a_browsers_gate_password(stack: Stack) -> None:
    url = f"{stack.address}/mlflow/ajax-api/2.0/mlflow/experiments/create"
    headers = {"Origin": "https://elsewhere.example", "Content-Type": "text/plain"}
    answer = requests.post(url, data='{"name": "theirs"}', headers=headers, auth=stack.gate, timeout=30)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/platform/../../../etc/passwd",
        "/platform/..%2f..%2f..%2fetc%2fpasswd",
        "/platform../reelsense/platform.html",
        "/platform/%2e%2e/%2e%2e/etc/passwd",
        "/static/../../../../etc/passwd",
        "/api/..%2f..%2fetc/passwd",
        "/_stcore/..%2f..%2f..%2fetc%2fpasswd",
        "/.env",
        "/.git/config",
        "/problem/../.env",
    ],
)
def test_no_path_leads_out_of_what_is_served(stack: Stack, path: str) -> None:
    answer = raw(stack, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert "root:" not in answer
    assert "PASSWORD" not in answer
    assert "[core]" not in answer


@pytest.mark.parametrize(
    "path", ["/api/metrics", "/api//metrics", "/api/./metrics", "/api/%6detrics", "/api/v1/../metrics"]
)
def test_what_is_for_inside_is_not_told(stack: Stack, path: str) -> None:
    answer = raw(stack, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [404]
    for inside in ("/airflow/execution/task-instances", "/airflow/execution/health", "/airflow//execution/health"):
        assert requests.get(stack.address + inside, timeout=30).status_code == 404


SMUGGLED = "GET /api/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc" + SMUGGLED,
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "Content-Length: 3\r\nContent-Length: 60\r\n\r\nabc" + SMUGGLED,
        "Content-Length: -1\r\n\r\n" + SMUGGLED,
        "Content-Length: 3, 3\r\n\r\nabc" + SMUGGLED,
        "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc" + SMUGGLED,
    ],
)
def test_no_request_hides_in_another(stack: Stack, sent: str) -> None:
    answer = raw(stack, "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\n" + sent, seconds=3)
    assert 200 not in statuses(answer), answer[:2000]
    assert statuses(answer)[:1] in ([400], [501]), answer[:300]


def test_oversized_bodies_and_headers_are_refused_before_they_are_read(stack: Stack) -> None:
    head = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
    for path, size in (
        ("/api/v1/predict", 11 << 20),
        ("/", 11 << 20),
        ("/api/v1/jobs", 2 << 30),
        ("/_stcore/upload_file/x", 1 << 30),
    ):
        assert statuses(raw(stack, head.format(path, size)))[:1] == [413], path
    long = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "a" * 70_000 + "\r\n\r\n"
    assert statuses(raw(stack, long))[:1] in ([400], [431])
    assert statuses(raw(stack, "GET /" + "a" * 70_000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n"))[:1] == [414]


def test_slow_headers_are_not_waited_for_forever(stack: Stack) -> None:
    answer = raw(stack, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", seconds=20)
    assert statuses(answer) in ([], [408])


def test_every_answer_carries_the_headers_that_protect(stack: Stack) -> None:
    for path in ("/", "/api/healthz", "/api/nothing", "/platform/", "/mlflow/", "/airflow/", "/nothing-here"):
        headers = requests.get(stack.address + path, timeout=30).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "SAMEORIGIN", path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert "default-src" in headers["Content-Security-Policy"], path
        assert headers["Server"] == "nginx", path
        assert "," not in headers["X-Content-Type-Options"], path


def test_too_many_requests_of_one_address_are_told_so(stack: Stack) -> None:
    def ask(_: int) -> set[int]:
        with requests.Session() as session:
            return {session.get(f"{stack.address}/api/healthz", timeout=30).status_code for _ in range(60)}

    with ThreadPoolExecutor(16) as together:
        assert set().union(*together.map(ask, range(16))) == {200, 429}
