"""The words of each class by a tokenizer: Kiwi, Okt, or the subwords of a model folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from reelsense.errors import InputError, ModelError
from reelsense.models.tokens import TOKENIZER_FILE, open_tokenizer
from reelsense.text.clean import clean
from reelsense.text.keywords import Keyword, counted_words, most_frequent, words_that_differ
from reelsense.text.morphemes import Engine, morphemes

ENGINES = ("kiwi", "okt")
_CHUNK = 2000
# A piece of one letter, or of signs alone, says nothing in a picture of words.
_SAYS_SOMETHING = re.compile(r"[^\W\d_].*[^\W\d_]")


@dataclass(frozen=True, slots=True)
class ClassTokens:
    """What a tokenizer makes of a sample: `texts` looked at, `frequent` words by class, words that set classes apart.

    `lengths` counts the texts by their number of tokens; `vocabulary` is the number of distinct words. `missing` says
    why the tokenizer could not be used; then all else is empty.
    """

    tokenizer: str
    texts: int
    tokens: int
    vocabulary: int
    lengths: Mapping[int, int]
    frequent: Mapping[str, Sequence[Keyword]]
    differing: Mapping[str, Sequence[Keyword]]
    missing: str = ""


def class_tokens(
    tokenizer: str, samples: Mapping[str, Sequence[str]], frequent: int = 60, differing: int = 20
) -> ClassTokens:
    """The words of each class's sample by `kiwi`, `okt` or a folder with a tokenizer.

    What a tokenizer lacks (Java, a package) is in `missing`. Raises InputError for a folder without a tokenizer.
    """
    lengths: Counter[int] = Counter()
    counts: dict[str, Counter[str]] = {}
    try:
        for name, texts in samples.items():
            counts[name] = Counter()
            for begin in range(0, len(texts), _CHUNK):
                words, sizes = _cut(tokenizer, texts[begin : begin + _CHUNK])
                counts[name] += words
                lengths.update(sizes)
    except InputError as error:
        if tokenizer not in ENGINES:
            raise
        return ClassTokens(tokenizer, 0, 0, 0, {}, {}, {}, str(error))
    praised, blamed = words_that_differ(counts.get("positive", Counter()), counts.get("negative", Counter()), differing)
    both = bool(counts.get("positive")) and bool(counts.get("negative"))
    return ClassTokens(
        tokenizer,
        texts=sum(lengths.values()),
        tokens=sum(size * count for size, count in lengths.items()),
        vocabulary=len(set().union(*counts.values())),
        lengths=dict(sorted(lengths.items())),
        frequent={name: most_frequent(words, frequent) for name, words in counts.items() if words},
        differing={"positive": praised, "negative": blamed} if both else {},
    )


def tokenizer_folder(given: str) -> Path:
    """The folder of tokenizer.json: `given`, or `tokenizer/` in a model folder. Raises InputError."""
    for folder in (Path(given) / "tokenizer", Path(given)):
        if (folder / TOKENIZER_FILE).is_file():
            return folder
    raise InputError(
        f"'{given}' is no tokenizer: give kiwi, okt, or the folder of a transformer (with tokenizer/tokenizer.json)."
    )


def _cut(tokenizer: str, texts: Sequence[str]) -> tuple[Counter[str], list[int]]:
    """In how many texts each word stands, and each text's number of tokens."""
    if tokenizer in ENGINES:
        found = morphemes(texts, cast(Engine, tokenizer))
        return counted_words(found), [len(one) for one in found]
    return _subwords(tokenizer_folder(tokenizer), texts)


def _subwords(folder: Path, texts: Sequence[str]) -> tuple[Counter[str], list[int]]:
    try:
        opened = open_tokenizer(folder, 512)
    except ModelError as error:
        raise InputError(str(error)) from error
    opened.no_truncation()
    counts: Counter[str] = Counter()
    sizes = []
    for one in opened.encode_batch([clean(text) for text in texts], add_special_tokens=False):
        sizes.append(len(one.tokens))
        pieces = {piece.removeprefix("##").lstrip("▁") for piece in one.tokens}
        counts.update(piece for piece in pieces if _SAYS_SOMETHING.search(piece))
    return counts, sizes
