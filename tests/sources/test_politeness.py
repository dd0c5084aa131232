"""The crawler's manners, over real HTTP."""

from __future__ import annotations

import pytest
from odd_replies import Reply

from reelsense.errors import SourceBlocked, SourceUnreadable
from reelsense.sections import CrawlSettings
from reelsense.sources.politeness import PoliteSession


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def in_turn(*replies: Reply):
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_robots_is_read_first_and_obeyed(odd_site, hasty):
    odd_site.robots = Reply("User-agent: *\nDisallow: /secret\n")
    session = PoliteSession(hasty, "megabox", odd_site.url)
    assert session.get("/open").status == 200
    with pytest.raises(SourceBlocked, match=r"robots\.txt"):
        session.get("/secret/list")
    with pytest.raises(SourceBlocked):
        session.get("/open")
    assert (odd_site.robots_asked, len(odd_site.asked)) == (1, 1)


def test_robots_that_cannot_be_read_is_a_refusal(odd_site, hasty):
    odd_site.robots = Reply(status=503)
    with pytest.raises(SourceBlocked, match=r"robots\.txt"):
        PoliteSession(hasty, "megabox", odd_site.url).get("/open")
    assert (odd_site.robots_asked, odd_site.asked) == (hasty.retries + 1, [])


def test_the_user_agent_is_honest(odd_site, hasty):
    PoliteSession(hasty, "megabox", odd_site.url).get("/open")
    assert odd_site.asked[0].headers["User-Agent"] == hasty.user_agent


def test_requests_keep_their_distance(odd_site):
    clock = Clock()
    crawl = CrawlSettings(min_delay_seconds=1, jitter_seconds=0.5)
    session = PoliteSession(crawl, "megabox", odd_site.url, clock.sleep, clock)
    for _ in range(4):
        session.get("/open")
    assert len(clock.slept) == 4
    assert all(1 <= pause <= 1.5 for pause in clock.slept)


def test_a_crawl_delay_of_the_site_is_kept(odd_site):
    odd_site.robots = Reply("User-agent: *\nCrawl-delay: 7\n")
    clock = Clock()
    session = PoliteSession(CrawlSettings(jitter_seconds=0), "megabox", odd_site.url, clock.sleep, clock)
    for _ in range(3):
        session.get("/open")
    assert clock.slept[1:] == [7, 7]


def test_retry_after_is_honoured(odd_site, hasty):
    odd_site.answer = in_turn(Reply(status=429, headers={"Retry-After": "17"}), Reply("fine"))
    clock = Clock()
    assert PoliteSession(hasty, "megabox", odd_site.url, clock.sleep, clock).get("/open").text == "fine"
    assert clock.slept == [17]


def test_a_pause_too_long_to_wait_for_ends_the_source(odd_site, hasty):
    odd_site.answer = in_turn(Reply(status=503, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}))
    with pytest.raises(SourceBlocked, match="pause"):
        PoliteSession(hasty, "megabox", odd_site.url).get("/open")
    assert len(odd_site.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_opens_the_circuit_at_once(status, odd_site, hasty):
    odd_site.answer = in_turn(Reply(status=status))
    session = PoliteSession(hasty, "megabox", odd_site.url)
    for _ in range(2):
        with pytest.raises(SourceBlocked, match=str(status)):
            session.get("/open")
    assert len(odd_site.asked) == 1


def test_429_again_and_again_opens_the_circuit(odd_site, hasty):
    odd_site.answer = in_turn(Reply(status=429))
    session = PoliteSession(hasty, "megabox", odd_site.url)
    for _ in range(2):
        with pytest.raises(SourceBlocked, match="429"):
            session.get("/open")
    assert len(odd_site.asked) == hasty.retries + 1


@pytest.mark.parametrize("bad", [Reply(status=500), Reply(status=503), Reply("x" * 5000, cut_after=100)])
def test_accidents_are_tried_again(bad, odd_site, hasty):
    odd_site.answer = in_turn(bad, bad, Reply("fine"))
    assert PoliteSession(hasty, "megabox", odd_site.url).get("/open").text == "fine"


def test_a_body_over_the_limit_is_not_read(odd_site):
    odd_site.answer = in_turn(Reply("x" * 300_000))
    crawl = CrawlSettings(min_delay_seconds=0, max_body_megabytes=0.2)
    with pytest.raises(SourceUnreadable, match="max_body_megabytes"):
        PoliteSession(crawl, "megabox", odd_site.url).get("/open")


def test_redirects_stay_on_the_host(odd_site, hasty):
    odd_site.answer = in_turn(Reply(status=302, headers={"Location": "/there"}), Reply("fine"))
    assert PoliteSession(hasty, "megabox", odd_site.url).get("/open").text == "fine"
    odd_site.answer = in_turn(Reply(status=302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(SourceUnreadable, match=r"elsewhere\.example"):
        PoliteSession(hasty, "megabox", odd_site.url).get("/open")


@pytest.mark.parametrize(
    "rules",
    ["Crawl-delay: ²", "Crawl-delay: " + "9" * 400, "Crawl-delay: " + "9" * 5000, "Disallow: //[", "Request-rate: ²/1"],
)
def test_rules_that_cannot_be_understood_are_a_refusal(rules, odd_site, hasty):
    odd_site.robots = Reply(f"User-agent: *\n{rules}\n")
    with pytest.raises(SourceBlocked, match=r"robots\.txt"):
        PoliteSession(hasty, "megabox", odd_site.url).get("/open")
    assert odd_site.asked == []


@pytest.mark.parametrize("target", ["//[", "http://[::1", "/\xf1\xff"])
def test_a_redirect_to_no_address_is_unreadable(target, odd_site, hasty):
    odd_site.answer = lambda _: Reply(status=301, headers={"Location": target})
    with pytest.raises(SourceUnreadable):
        PoliteSession(hasty, "megabox", odd_site.url).get("/open")


@pytest.mark.parametrize("wanted", ["Mon, 01 Jan 2020 00:00:00 +" + "9" * 20, "nan", "²", "9" * 5000])
def test_a_pause_that_is_no_time_is_not_waited_for(wanted, odd_site, hasty):
    odd_site.answer = in_turn(Reply(status=503, headers={"Retry-After": wanted}), Reply("ok"))
    clock = Clock()
    if wanted == "9" * 5000:  # a number, and so a pause that nobody waits for
        with pytest.raises(SourceBlocked, match="pause"):
            PoliteSession(hasty, "megabox", odd_site.url, clock.sleep, clock).get("/open")
        return
    assert PoliteSession(hasty, "megabox", odd_site.url, clock.sleep, clock).get("/open").text == "ok"
    assert sum(clock.slept) < 1
