"""The studio in the browser: with a provider, without one, for those who may not spend, and at the day's limit."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from openai_server import IMAGES, KEY, Provider
from page_server import CHART, Site, choose, page_server, press, select, settled, visit, widget
from playwright.sync_api import Page, expect

sys.path.append(str(Path(__file__).resolve().parents[1] / "fastapi"))
from filled_store import fill

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PASSWORDS = {role: f"{role}-{secrets.token_urlsafe(9)}" for role in ("viewer", "labeller")}
QUESTION = "음악은 어때요?"


@pytest.fixture(autouse=True)
def _fresh(provider: Provider) -> Iterator[None]:
    before = provider.content
    provider.requests.clear()
    yield
    provider.content = before


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page without a key."""
    home = tmp_path_factory.mktemp("keyless") / "home"
    home.mkdir()
    fill(home)
    with page_server(home, filled=True) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Site]:
    """The page with a key, passwords, and five cents a day: one picture."""
    home = tmp_path_factory.mktemp("guarded") / "home"
    home.mkdir()
    fill(home)
    told: dict[str, object] = {"STUDIO__BASE_URL": provider.url, "STUDIO__API_KEY": KEY}
    told |= {f"PAGE__{role.upper()}_PASSWORD": password for role, password in PASSWORDS.items()}
    with page_server(home, filled=True, STUDIO__DOLLARS_PER_DAY="0.05", **told) as running:
        yield running


def sign_in(page: Page, site: Site, role: str) -> None:
    visit(page, site, "studio")
    page.get_by_label("비밀번호", exact=True).fill(PASSWORDS[role])
    press(page, "session_enter")
    expect(page.get_by_role("heading", level=1, name="스튜디오")).to_be_visible()
    settled(page)


def film(site: Site) -> str:
    return str(requests.get(f"{site.api}/v1/movies/titles", timeout=30).json()["movies"][0]["id"])


def nearest(site: Site, question: str) -> list[dict[str, Any]]:
    """The reviews that a model is given for a question to the first film."""
    body = {"movie_id": film(site), "question": question, "offline": True}
    return list(requests.post(f"{site.api}/v1/studio/ask", json=body, timeout=30).json()["reviews"])


def ask(page: Page, question: str) -> None:
    field = page.get_by_label("리뷰에게 물어보세요")
    field.fill(question)
    field.press("Enter")
    settled(page)
    press(page, "studio_ask")
    settled(page)


def reviews_shown(page: Page) -> list[int]:
    shown = page.locator('[data-testid="stExpander"] summary').all_inner_texts()
    return [int(found[1]) for text in shown if (found := re.search(r"#(\d+) ·", text))]


def spent(page: Page) -> float:
    told = page.get_by_text(re.compile(r"^오늘 쓴 비용: \$")).inner_text()
    found = re.fullmatch(r"오늘 쓴 비용: \$(\d+\.\d{4}) / 하루 한도 \$5\.00", told)
    assert found, told
    return float(found[1])


def test_a_picture_is_made_from_a_film_kept_and_taken_away(
    site: Site, page: Page, provider: Provider, tmp_path: Path
) -> None:
    visit(page, site, "studio")
    press(page, "studio_make_prompt")
    settled(page)
    expect(page.get_by_label("프롬프트 (고칠 수 있습니다)")).to_have_value(re.compile("A film illustration"))
    before = spent(page)
    press(page, "studio_draw")
    expect(page.locator('[data-testid="stImage"] img').first).to_be_visible(timeout=60_000)
    settled(page)
    assert spent(page) == pytest.approx(before + 0.042)
    assert len(provider.asked(IMAGES)) == 1
    choose(page, "section", "갤러리")
    expect(page.locator('[data-testid="stImage"] img').first).to_be_visible()
    [newest] = requests.get(f"{site.api}/v1/studio/images?limit=1", timeout=30).json()["images"]
    with page.expect_download() as download:
        widget(page, f"studio_download_gallery_{newest['id']}").locator("button").click()
    assert download.value.suggested_filename == f"reelsense-{newest['id'][-12:]}.png"
    download.value.save_as(tmp_path / "picture.png")
    taken = (tmp_path / "picture.png").read_bytes()
    assert taken.startswith(b"\x89PNG\r\n\x1a\n")
    assert taken == requests.get(f"{site.api}/v1/studio/images/{newest['id']}", timeout=30).content


def test_the_model_writes_the_prompt_and_that_is_paid_for(site: Site, page: Page, provider: Provider) -> None:
    provider.content = "A lantern over a quiet station"
    visit(page, site, "studio")
    widget(page, "studio_refine").locator("label").first.click()
    settled(page)
    expect(page.get_by_text(re.compile("예상 비용: 약 .*gpt-5-mini"))).to_be_visible()
    before = spent_of(site)
    press(page, "studio_make_prompt")
    expect(page.get_by_label("프롬프트 (고칠 수 있습니다)")).to_have_value(provider.content)
    assert spent_of(site) > before


def spent_of(site: Site) -> float:
    return float(requests.get(f"{site.api}/v1/studio", timeout=30).json()["spent_today"])


def test_the_reviews_answer_and_what_they_cite_is_shown(site: Site, page: Page, provider: Provider) -> None:
    first, second = nearest(site, QUESTION)[:2]
    told = f"음악이 오래 남는다고 합니다 [{first['id']}, 99999999]. 조용하다는 말도 있습니다 [{second['id']}]."
    provider.content = {"answer": told, "citations": [first["id"], second["id"], 99999999]}
    visit(page, site, f"studio?section=ask&movie={film(site)}")
    ask(page, QUESTION)
    expect(page.get_by_text(told.replace(", 99999999", ""))).to_be_visible()
    assert reviews_shown(page) == [first["id"], second["id"]]
    page.locator('[data-testid="stExpander"] summary').filter(has_text=f"#{first['id']} ·").click()
    expect(page.locator('[data-testid="stExpander"]').get_by_text(first["text"], exact=True)).to_be_visible()


def test_a_question_that_no_review_answers_is_said_so(site: Site, page: Page, provider: Provider) -> None:
    provider.content = {"answer": "칸에서 상을 받았습니다 [99999999].", "citations": [99999999]}
    visit(page, site, f"studio?section=ask&movie={film(site)}")
    ask(page, "어느 영화제에서 상을 받았나요?")
    expect(page.get_by_text("리뷰에서는 알 수 없습니다.")).to_be_visible()
    expect(page.get_by_text("칸에서 상을")).to_have_count(0)
    assert reviews_shown(page) == []


def test_the_character_of_a_film_is_shown_with_its_match(site: Site, page: Page, provider: Provider) -> None:
    # A model's words are text, and hold no tag.
    provider.content = {
        "name": "기관사 <b>최</b>",
        "why": "약속을 지키는 사람입니다.",
        "shared": ["책임감", "고요"],
        "match": 87,
    }
    visit(page, site, f"studio?section=character&movie={film(site)}")
    select(page, "studio_mbti", "ISTJ")
    press(page, "studio_character")
    expect(page.get_by_role("heading", name="기관사 (b)최(/b)")).to_be_visible()
    expect(page.get_by_text("닮은 정도 87%")).to_be_visible()
    for told in ("약속을 지키는 사람입니다.", "· 책임감", "· 고요"):
        expect(page.get_by_text(told, exact=True)).to_be_visible()
    expect(widget(page, "studio_dimensions").locator(CHART)).to_be_visible()
    expect(page.get_by_text("원형입니다")).to_have_count(0)


def test_without_a_key_the_studio_says_what_is_missing_and_does_the_rest(keyless: Site, page: Page) -> None:
    visit(page, keyless, "studio")
    expect(page.get_by_text("모델 없이 동작하고 있습니다")).to_be_visible()
    expect(page.get_by_text("REELSENSE_STUDIO__API_KEY", exact=False)).to_be_visible()
    press(page, "studio_make_prompt")
    expect(page.get_by_label("프롬프트 (고칠 수 있습니다)")).to_have_value(re.compile("달빛/기차"))
    expect(widget(page, "studio_draw").locator("button")).to_be_disabled()
    shows_what_is_free(page)


def shows_what_is_free(page: Page) -> None:
    choose(page, "section", "나는 누구")
    select(page, "studio_mbti", "INFP")
    press(page, "studio_character")
    expect(page.get_by_text("성격 유형에 맞는 원형입니다.")).to_be_visible()
    expect(page.get_by_text("닮은 정도")).to_have_count(0)
    expect(widget(page, "studio_dimensions").locator(CHART)).to_be_visible()
    choose(page, "section", "리뷰에게 묻기")
    ask(page, QUESTION)
    expect(page.get_by_text("답 대신 가장 가까운 리뷰를")).to_be_visible()
    expect(page.get_by_text("음악은 좋은데 결말이 최악 2", exact=True)).to_be_visible()
    expect(page.get_by_text("음악은 좋은데 결말이 최악 7", exact=True)).not_to_be_visible()  # it gives the end away


def test_a_viewer_gets_what_is_free_and_is_told_who_may_spend(guarded: Site, page: Page, provider: Provider) -> None:
    sign_in(page, guarded, "viewer")
    expect(widget(page, "studio_who_may")).to_contain_text("라벨러와 관리자가 할 수 있습니다")
    expect(page.get_by_text("오늘 쓴 비용")).to_have_count(0)
    expect(widget(page, "studio_refine").locator("input")).to_be_disabled()
    press(page, "studio_make_prompt")
    expect(page.get_by_label("프롬프트 (고칠 수 있습니다)")).to_have_value(re.compile("달빛/기차"))
    expect(widget(page, "studio_draw").locator("button")).to_be_disabled()
    shows_what_is_free(page)
    choose(page, "section", "갤러리")
    expect(page.get_by_text("아직 만든 그림이 없습니다.").or_(page.get_by_text("최신순"))).to_be_visible()
    assert provider.requests == []


def test_a_labeller_spends_until_the_days_limit(guarded: Site, page: Page, provider: Provider) -> None:
    sign_in(page, guarded, "labeller")
    expect(widget(page, "studio_who_may")).to_have_count(0)
    expect(page.get_by_text("오늘 쓴 비용: $0.0000 / 하루 한도 $0.05")).to_be_visible()
    draw(page, "a red train")
    expect(page.locator('[data-testid="stImage"] img')).to_be_visible()
    expect(page.get_by_text("오늘 쓴 비용: $0.0420 / 하루 한도 $0.05")).to_be_visible()
    draw(page, "a blue train")
    refused = widget(page, "studio_refused")
    expect(refused).to_contain_text("하루 한도 $0.05, 오늘 쓴 비용 $0.0420, 이 요청 $0.0420.")
    expect(refused).to_contain_text("00:00(한국 시간)부터 다시 됩니다.")
    expect(refused).not_to_contain_text("The studio may spend")
    assert [body["prompt"] for body in provider.asked(IMAGES)] == ["a red train"]
    draw(page, "a red train")  # made already: free
    expect(refused).to_have_count(0)
    expect(page.locator('[data-testid="stImage"] img')).to_be_visible()


def draw(page: Page, prompt: str) -> None:
    field = page.get_by_label("프롬프트 (고칠 수 있습니다)")
    field.fill(prompt)
    field.blur()
    settled(page)
    press(page, "studio_draw")
    settled(page)
