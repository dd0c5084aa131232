"""The sample beside the corpus, and the corpus's stream as a library. Both need the NSMC folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from reelsense.devsite.library import SITES, load_library, sample_library
from reelsense.sources.nsmc import read_corpus
from reelsense.text.clean import text_key

pytestmark = pytest.mark.corpus


@pytest.mark.slow
def test_no_sentence_of_the_sample_is_of_the_corpus(corpus: Path) -> None:
    library = sample_library()
    known = {text_key(text) for name in ("train", "test") for _, text, _ in read_corpus(corpus / f"ratings_{name}.txt")}
    reviews = [review for site in SITES for film in library.films for review in library.visible(site, film)]
    mine = {text_key(review.text) for review in reviews}
    assert not {text for text in mine if len(text) >= 12} & known


def test_the_stream_loads_as_it_is(corpus: Path) -> None:
    if not (corpus / "stream.jsonl.gz").is_file():
        pytest.skip("the stream is not here")
    stream = load_library(corpus / "stream.jsonl.gz")
    assert stream.count("megabox") == 39_983
    stream.until = date(2015, 6, 3)
    shown = stream.on_show("megabox")
    assert 0 < stream.count("megabox") < 2000
    assert shown
