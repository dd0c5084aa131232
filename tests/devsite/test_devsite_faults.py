"""Each switch does what its name says, and nothing else."""

from __future__ import annotations

import json

import pytest
import requests

from reelsense.devsite.faults import Faults

PATH = "/megabox/on/oh/oha/Movie/selectOneLnList.do"


def asked(http, site, page=1, size=10):
    body = {"movieNo": "101", "currentPage": str(page), "recordCountPerPage": str(size)}
    return http.post(f"{site.url}{PATH}", json=body, timeout=10)


def ids(answer):
    return [row["onelnEvalNo"] for row in answer.json()["list"]]


def statuses(http, site, count):
    return [asked(http, site).status_code for _ in range(count)]


def test_without_faults_every_answer_is_whole(http, site):
    assert statuses(http, site, 50) == [200] * 50


def test_errors_come_at_their_rate_and_repeat_with_the_seed(http, site):
    site.set_faults(Faults(error_rate=0.3, seed=1))
    first = [status == 200 for status in statuses(http, site, 200)]
    site.set_faults(Faults(error_rate=0.3, seed=1))
    assert [status == 200 for status in statuses(http, site, 200)] == first
    assert 30 <= first.count(False) <= 90


def test_every_nth_request_is_told_to_wait(http, site):
    site.set_faults(Faults(rate_limit_every=3))
    answers = [asked(http, site) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 429]
    assert answers[2].headers["Retry-After"] == "0"


def test_from_some_request_on_everything_is_forbidden(http, site):
    site.set_faults(Faults(forbidden_after=3))
    assert statuses(http, site, 5) == [200, 200, 403, 403, 403]


def test_a_truncated_body_breaks_the_connection_and_the_next_request_works(http, site):
    site.set_faults(Faults(truncate_rate=1))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        asked(http, site)
    site.set_faults(Faults())
    assert len(ids(asked(http, site))) == 10


def test_a_malformed_body_comes_complete_but_is_no_json(http, site):
    site.set_faults(Faults(malformed_rate=1))
    answer = asked(http, site)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.text.startswith('{"imgSvrUrl"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_a_page_may_repeat_the_last_review_of_the_page_before(http, site):
    site.set_faults(Faults(duplicate_rate=1))
    first, second = ids(asked(http, site, 1)), ids(asked(http, site, 2))
    assert second[0] == first[-1]
    assert set(range(4, 24)) == set(first) | set(second)


def test_a_shifting_site_holds_the_newest_back_and_shows_them_at_the_next_request(http, site):
    site.set_faults(Faults(shift_rate=1))
    held, whole = asked(http, site, size=100), asked(http, site, size=100)
    assert ids(held) in ([*range(22, 0, -1)], [*range(21, 0, -1)])
    assert held.json()["list"][0]["totCnt"] == len(ids(held))
    assert ids(whole) == [*range(23, 0, -1)]


def test_pages_shift_while_being_read_but_reading_again_finds_everything(http, site):
    site.set_faults(Faults(shift_rate=0.5, seed=3))
    passes = [[number for page in (1, 2, 3) for number in ids(asked(http, site, page))] for _ in range(6)]
    assert any(len(found) != 23 or len(set(found)) != 23 for found in passes)
    assert set().union(*passes) == set(range(1, 24))


@pytest.mark.parametrize(
    "path", [PATH, "/cgv/api/v1/common/timeline/more/itgrSrch/searchItgrSrchAll?coCd=A420&swrd=제리"]
)
def test_a_big_body_says_the_same_with_ten_megabytes_more(http, site, path):
    method = "POST" if path == PATH else "GET"
    small = http.request(method, f"{site.url}{path}", json={"movieNo": "101"})
    site.set_faults(Faults(big_body_rate=1))
    big = http.request(method, f"{site.url}{path}", json={"movieNo": "101"})
    assert len(big.content) > len(small.content) + 9_000_000
    assert json.loads(big.content.decode("utf-8-sig")) == json.loads(small.content.decode("utf-8-sig"))


def test_latency_delays_every_answer(http, site):
    site.set_faults(Faults(latency_ms=80))
    assert all(asked(http, site).elapsed.total_seconds() >= 0.08 for _ in range(3))


def test_robots_can_turn_everybody_away(http, site):
    site.set_faults(Faults(robots_disallow=True))
    assert "Disallow: /\n" in http.get(f"{site.url}/robots.txt").text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"eror_rate": 0.1}, "unknown faults eror_rate"),
        ({"error_rate": "0.1"}, "error_rate"),
        ({"error_rate": True}, "error_rate"),
        ({"error_rate": -1}, "below zero"),
        ({"rate_limit_every": 1.5}, "rate_limit_every"),
        ({"robots_disallow": 1}, "robots_disallow"),
        ("error_rate", "switches"),
        (None, "switches"),
    ],
)
def test_a_wrong_switch_is_refused_by_name(values, said):
    with pytest.raises(ValueError, match=said):
        Faults.parse(values)


def test_whole_numbers_do_for_rates():
    assert Faults.parse({"error_rate": 1, "robots_disallow": True}) == Faults(error_rate=1, robots_disallow=True)
