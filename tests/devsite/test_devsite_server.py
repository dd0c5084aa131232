"""The server itself: switched while it runs, quick, and gone when it ends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from datetime import date
from urllib.parse import urlsplit

import pytest
import requests

from reelsense.devsite.faults import Faults
from reelsense.devsite.server import serve
from reelsense.errors import InputError

PATH = "/megabox/on/oh/oha/Movie/selectOneLnList.do"


def shown(session, site):
    rows = session.post(f"{site.url}{PATH}", json={"movieNo": "101", "recordCountPerPage": "100"}).json()["list"]
    return [row["onelnEvalNo"] for row in rows]


def test_days_are_replayed_by_a_control_request(http, site):
    answer = http.post(f"{site.url}/_devsite", json={"until": "2026-07-08", "faults": {"latency_ms": 1}})
    assert answer.json() == {"until": "2026-07-08", "requests": 0}
    assert shown(http, site)[0] == 21
    assert site.mischief.faults == Faults(latency_ms=1)
    assert http.post(f"{site.url}/_devsite", json={"until": None}).json()["until"] is None
    assert shown(http, site)[0] == 23


def test_a_control_request_needs_no_content_type(http, site):
    assert http.post(f"{site.url}/_devsite", data='{"until": "2026-07-08"}').status_code == 200
    assert site.library.until == date(2026, 7, 8)


@pytest.mark.parametrize(
    "sent",
    [
        {"untill": "2026-07-08"},
        {"until": "soon"},
        {"until": 5},
        {"until": "2026-07-08", "faults": {"error_rate": "x"}},
        {"faults": None},
        [],
        {},
    ],
)
def test_a_wrong_control_request_is_refused_and_changes_nothing(http, site, sent):
    answer = http.post(f"{site.url}/_devsite", json=sent)
    assert answer.status_code == 400
    assert answer.text
    assert (site.library.until, site.mischief.faults) == (None, Faults())
    assert len(shown(http, site)) == 23


def test_state_is_read_with_get_and_requests_are_counted(http, site):
    for _ in range(3):
        shown(http, site)
    assert site.request_count == 3
    assert http.get(f"{site.url}/_devsite").json() == {"until": None, "requests": 3}


def test_base_urls_name_every_source(http, site):
    urls = site.base_urls()
    assert set(urls) == {"megabox", "cgv", "lotte", "naver", "naver_news", "naver_blog"}
    assert urls["megabox"] == f"{site.url}/megabox"


def test_an_unknown_page_is_404(http, site):
    for path in ("/", "/elsewhere/page", "/megabox/nothing", "/naver/x"):
        assert http.get(f"{site.url}{path}").status_code == 404


def test_a_body_that_is_no_json_is_answered(http, site):
    for body in ("{", "[1, 2]", ""):
        answer = http.post(f"{site.url}{PATH}", data=body, headers={"Content-Type": "application/json"})
        assert answer.json()["list"] == []


@pytest.mark.alone
def test_one_connection_serves_many_pages_quickly(site):
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    connection.connect()
    first = connection.sock
    body = json.dumps({"movieNo": "101", "recordCountPerPage": "10"})
    begin = time.perf_counter()
    for _ in range(300):
        connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        assert connection.getresponse().read()
    seconds = time.perf_counter() - begin
    assert connection.sock is first
    connection.close()
    # A delayed acknowledgement costs 40 ms a page, 12 s in all; 500 pages/s would be 0.6 s, and this machine is shared.
    assert seconds < 3


def test_several_clients_at_once_get_their_own_answers(site):
    wrong: list[object] = []

    def read() -> None:
        with requests.Session() as session:
            wrong.extend(found for _ in range(20) if (found := shown(session, site)) != list(range(23, 0, -1)))

    threads = [threading.Thread(target=read) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert site.request_count == 240


def test_the_end_is_the_end_for_kept_connections_too(library, http):
    with serve(library) as site:
        assert len(shown(http, site)) == 23
        port = urlsplit(site.url).port
    with pytest.raises(requests.ConnectionError):
        shown(http, site)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_client_that_goes_away_leaves_no_trace_on_the_terminal(site, http, capfd):
    host, port = urlsplit(site.url).netloc.split(":")
    for _ in range(5):
        gone = socket.create_connection((host, int(port)))
        # Linger 0: the connection is reset, as by a killed client.
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        gone.sendall(b"GET /robots.txt HT")
        gone.close()
    assert len(shown(http, site)) == 23
    time.sleep(0.1)
    assert "Traceback" not in capfd.readouterr().err


def test_a_port_in_use_is_an_input_error(site, library):
    with pytest.raises(InputError, match="port 0"), serve(library, port=urlsplit(site.url).port):
        pass


def test_a_get_with_a_body_does_not_spoil_the_next_request(http, site):
    http.get(f"{site.url}/robots.txt", data="left over")
    assert len(shown(http, site)) == 23
