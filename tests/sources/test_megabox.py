"""Megabox's films: the list's entities and the info page's facts."""

from __future__ import annotations

from datetime import date, datetime

from reelsense.sources.megabox import described, film_of
from reelsense.types import KST

NOW = datetime(2026, 7, 15, tzinfo=KST)


def test_a_film_of_the_list():
    row = {"movieNo": "2", "rpstMovieNo": "1", "movieNm": "달 &amp; 별", "rfilmDe": "20260916", "imgPathNm": "/S/a.jpg"}
    film = film_of(row, NOW)
    assert film is not None
    assert (film.code, film.title, film.release_date) == ("1", "달 & 별", date(2026, 9, 16))
    assert film.poster_url == "https://img.megabox.co.kr/S/a.jpg"
    assert film_of({"movieNm": "번호 없음"}, NOW) is None


def test_the_info_page_tells_the_rest():
    film = film_of({"movieNo": "1", "movieNm": "달"}, NOW)
    assert film is not None
    told = described(
        film,
        '<div class="movie-info infoContent"><p>감독 : 김하나</p><p>장르 : 드라마, 가족 / 112 분</p>'
        '<p>출연진 : 이둘, 박셋</p></div><div class="movie-summary"><div class="txt">달에<br>간다</div></div>',
    )
    assert (told.directors, told.cast, told.genres) == (("김하나",), ("이둘", "박셋"), ("드라마", "가족"))
    assert (told.runtime_minutes, told.plot) == (112, "달에\n간다")
    assert described(film, "<html></html>") == film
