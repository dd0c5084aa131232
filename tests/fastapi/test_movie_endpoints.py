"""Films of the store, and people's corrections."""

from __future__ import annotations

import pytest
from api_server import Api

from reelsense.store.database import open_database
from reelsense.store.labels import trainable_texts


def number_of(api: Api, title: str) -> str:
    found = [film["id"] for film in api.get("/v1/movies").json()["movies"] if film["title"] == title]
    assert len(found) == 1
    return str(found[0])


def test_films_are_listed_once_over_all_sites(api: Api) -> None:
    listed = api.get("/v1/movies").json()
    films = {film["title"]: film for film in listed["movies"]}
    assert listed["total"] == 3
    assert films["달빛/기차"]["sources"] == ["cgv", "megabox"]
    assert (films["달빛/기차"]["reviews"], films["달빛/기차"]["scored"]) == (30, 30)
    assert [film["title"] for film in api.get("/v1/movies?search=달빛").json()["movies"]] == ["달빛/기차"]
    assert len(api.get("/v1/movies?limit=1&offset=1").json()["movies"]) == 1
    api.problem(api.get("/v1/movies?limit=0"), 422)


def test_titles_to_choose_from_come_in_the_order_of_their_reviews(api: Api) -> None:
    films = api.get("/v1/movies").json()["movies"]
    found = api.get("/v1/movies/titles").json()
    assert found["total"] == 3
    assert found["movies"] == [{name: film[name] for name in ("id", "title", "reviews")} for film in films]
    counts = [film["reviews"] for film in found["movies"]]
    assert counts == sorted(counts, reverse=True) == [30, 1, 1]
    assert "빈 영화" not in [film["title"] for film in found["movies"]]  # nobody wrote of it
    first = api.get("/v1/movies/titles?limit=1").json()
    assert (first["total"], [film["title"] for film in first["movies"]]) == (3, ["달빛/기차"])
    for wrong in (0, 5001, "many"):
        api.problem(api.get(f"/v1/movies/titles?limit={wrong}"), 422)


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("빛/기", ["달빛/기차"]),
        (" 영", ["새 영화"]),
        ("%", []),
        ("_", []),
        ("달%차", []),
        ("달빛_기차", []),
        ("\\", []),
    ],
)
def test_a_search_finds_words_not_patterns(api: Api, search: str, titles: list[str]) -> None:
    found = api.get("/v1/movies", params={"search": search}).json()
    assert ([film["title"] for film in found["movies"]], found["total"]) == (titles, len(titles))


def test_a_summary_brings_counts_and_what_the_sites_say(api: Api) -> None:
    found = api.get(f"/v1/movies/{number_of(api, '달빛/기차')}/summary").json()
    assert found["positive"] + found["neutral"] + found["negative"] == 30
    assert found["mean_rating"] == pytest.approx(6.4)
    assert (found["cast"], found["plot"]) == (["김하나"], "기차를 탄다")
    assert (found["first_day"], found["last_day"]) == ("2026-09-01", "2026-09-30")
    assert 0.5 < found["agreement"] <= 1
    for wrong in ("nothing", "0" * 12):
        for part in ("summary", "reviews", "trend", "aspects"):
            api.problem(api.get(f"/v1/movies/{wrong}/{part}"), 404)


def test_a_film_whose_details_have_not_come_yet_is_there_under_its_code(api: Api) -> None:
    assert api.get(f"/v1/movies/{number_of(api, '없는코드')}/reviews").json()["total"] == 1


def test_reviews_are_filtered_sorted_and_paged(api: Api) -> None:
    path = f"/v1/movies/{number_of(api, '달빛/기차')}/reviews"
    everything = api.get(f"{path}?limit=500").json()
    assert everything["total"] == len(everything["reviews"]) == 30
    assert everything["reviews"][0]["written_at"] > everything["reviews"][-1]["written_at"]
    paged = [one["id"] for at in (0, 10, 20) for one in api.get(f"{path}?limit=10&offset={at}").json()["reviews"]]
    assert paged == [one["id"] for one in everything["reviews"]]
    for code in ("positive", "neutral", "negative"):
        some = api.get(f"{path}?sentiment={code}").json()
        assert some["total"] == sum(one["code"] == code for one in everything["reviews"])
        assert {one["code"] for one in some["reviews"]} <= {code}
    days = api.get(f"{path}?since=2026-09-03&until=2026-09-05&order=oldest").json()["reviews"]
    assert [one["written_at"][:10] for one in days] == ["2026-09-03", "2026-09-04", "2026-09-05"]
    assert api.get(f"{path}?source=cgv").json()["total"] == 15
    assert api.get(f"{path}?words=%25").json()["total"] == 0  # a per cent sign is a word, not a pattern
    assert api.get(f"{path}?words=지루").json()["total"] == 6
    worst = api.get(f"{path}?order=most_negative").json()["reviews"]
    assert [one["positive"] for one in worst] == sorted(one["positive"] for one in worst)
    api.problem(api.get(f"{path}?order=by_magic"), 422)


def test_a_trend_adds_up_by_day_week_and_month(api: Api) -> None:
    path = f"/v1/movies/{number_of(api, '달빛/기차')}/trend"
    sums = []
    for by, points in (("day", 30), ("week", 5), ("month", 1)):
        found = api.get(f"{path}?by={by}").json()
        assert len(found["points"]) == points
        sums.append(sum(point[code] for point in found["points"] for code in ("positive", "neutral", "negative")))
    assert sums == [30, 30, 30]


def test_aspects_come_with_evidence(api: Api) -> None:
    found = api.get(f"/v1/movies/{number_of(api, '달빛/기차')}/aspects").json()
    mentioned = {one["aspect"]: one for one in found["mentioned"]}
    assert {"배우", "스토리", "음악"} <= set(mentioned)
    assert mentioned["배우"]["positive"] == 6
    assert [one["aspect"] for one in found["tagged"]] == ["배우"]
    assert any("스토리가 지루하고" in one["clause"] for one in found["evidence"])


def test_aspects_are_those_of_the_chosen_reviews(api: Api) -> None:
    path = f"/v1/movies/{number_of(api, '달빛/기차')}/aspects"
    found = api.get(f"{path}?source=megabox").json()
    assert [(one["aspect"], one["positive"]) for one in found["tagged"]] == [("배우", 3)]
    assert {one["aspect"]: one for one in found["mentioned"]}["배우"]["positive"] == 3
    found = api.get(f"{path}?words=지루하고").json()
    assert found["tagged"] == []
    assert {one["clause"] for one in found["evidence"]} == {"스토리가 지루하고"}


def test_a_person_corrects_a_stored_review_by_either_name(api: Api) -> None:
    review = api.get(f"/v1/movies/{number_of(api, '새 영화')}/reviews").json()["reviews"][0]
    assert review["text"].startswith("<script>")
    first = api.post("/v1/labels", {"source": "lotte", "source_id": "x", "sentiment": "positive"}).json()
    assert (first["review_id"], first["label"], first["changed"]) == (review["id"], "긍정", True)
    again = api.post("/v1/labels", {"review_id": review["id"], "sentiment": "negative"}).json()
    assert (again["sentiment"], again["changed"]) == ("negative", True)
    api.problem(api.post("/v1/labels", {"review_id": 99_999, "sentiment": "negative"}), 404)
    for wrong in ({"sentiment": "negative"}, {"review_id": 1, "text": "a", "sentiment": "neutral"}, {"review_id": 1}):
        api.problem(api.post("/v1/labels", wrong), 422)


def test_a_typed_text_with_a_judgement_is_learned_from_and_is_no_film(api: Api) -> None:
    before = api.get("/v1/movies").json()["total"]
    for _ in range(2):
        api.post("/v1/labels", {"text": "이거 진짜 실화냐", "sentiment": "negative"}).raise_for_status()
    assert api.get("/v1/movies").json()["total"] == before
    db = open_database(f"sqlite:///{api.home / 'reelsense.db'}")
    with db.connect() as connection:
        learned = [row for row in trainable_texts(connection, 1.0) if row.text == "이거 진짜 실화냐"]
    db.close()
    assert [(row.label, row.origin) for row in learned] == [(0, "person")]
