"""The texts that were labelled for aspects and spoilers: how they were drawn, and their labels joined to the corpus.

python benchmarks/aspect_labels.py [--corpus FOLDER] --out FOLDER   writes what is to be labelled, 50 a file

The repository holds ids, fingerprints and labels only; the texts are read from `more.tsv.gz` of the corpus. The rules
of labelling are in docs/labelling-aspects.md.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelsense.sources.nsmc import read_rated
from reelsense.text.clean import clean, fingerprint, share_of

LABELS = Path(__file__).parent / "labels"
FILE = "more.tsv.gz"
SEED = 7
LONG = 80  # characters
# The lexicon of the day the sample was drawn, and words near spoilers: they define the strata and stay as they are.
_COMMON = re.compile(
    "배우|연기|캐스팅|주연|조연|열연|캐릭터|스토리|줄거리|내용|전개|결말|반전|각본|대본|시나리오|개연성|플롯|구성|이야기|대사"
)
_RARE = re.compile(
    "영상|화면|색감|촬영|그래픽|CG|씨지|미장센|풍경|비주얼|볼거리|시각효과|액션씬|작화|음악|OST|노래|사운드|음향|배경음|선율"
    "|가사|뮤지컬|연출|감독|편집|카메라|완급|몰입감|긴장감|디테일",
    re.IGNORECASE,
)
_CUE = re.compile("결말|반전|죽|범인|알고보니|알고 보니|스포|마지막에|엔딩|살아나|살아남|배신|자살|정체")
_STRONG = re.compile(
    "범인은|범인이|죽는|죽었|죽고|죽여|죽인|죽음으로|해피엔딩|해피앤딩|새드엔딩|비극|살아남|살아나|살아있|자살|배신|정체"
    "|알고보니|알고 보니|결국|꿈이|사실은|스포"
)
# Texts drawn from all, then from each stratum; once those were read, a second draw, as spoilers were few.
AT_RANDOM = 200  # read for both
ASPECTS_FROM = {"long": 60, "rare word": 70, "common word": 35, "no word": 35}
SPOILERS_FROM = {"cue, long": 110, "cue, short": 110, "no cue, long": 40}
MORE_ASPECTS_FROM = {"long": 80, "rare word": 80, "common word": 60, "no word": 80}
MORE_SPOILERS_FROM = {
    "cue, long, strong": 70,
    "cue, short, strong": 60,
    "no cue, long, strong": 40,
    "no cue, short, strong": 30,
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with what a person found in it; `weight` is the number of the corpus' texts that it stands for."""

    id: str
    text: str
    labels: frozenset[str]
    again: frozenset[str] | None
    stratum: str
    weight: float
    test: bool


def aspect_stratum(text: str) -> str:
    """The stratum of a text in the draw for aspects."""
    if len(text) >= LONG:
        return "long"
    if _RARE.search(text):
        return "rare word"
    return "common word" if _COMMON.search(text) else "no word"


def spoiler_stratum(text: str) -> str:
    """The stratum of a text in the draws for spoilers."""
    return f"{_first_spoiler_stratum(text)}{', strong' if _STRONG.search(text) else ''}"


def _first_spoiler_stratum(text: str) -> str:
    return f"{'cue' if _CUE.search(text) else 'no cue'}, {'long' if len(text) >= LONG else 'short'}"


STRATA = {"aspects": aspect_stratum, "spoilers": spoiler_stratum}


def corpus_texts(corpus: Path) -> dict[str, str]:
    """Cleaned text by id, one for each normalized text, in the file's order."""
    seen: set[bytes] = set()
    texts = {}
    for row in read_rated(corpus / FILE):
        text = clean(row.text)
        key = fingerprint(text)
        if text and key not in seen:
            seen.add(key)
            texts[row.id] = text
    return texts


def draw(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """The ids to label in the order of reading: `aspects` and `spoilers`, then `more-aspects` and `more-spoilers`."""
    chance = random.Random(SEED)
    ids = chance.sample(list(texts), len(texts))
    at_random, rest = ids[:AT_RANDOM], ids[AT_RANDOM:]
    chosen = {}
    for name, stratum_of, wanted in (
        ("aspects", aspect_stratum, ASPECTS_FROM),
        ("spoilers", _first_spoiler_stratum, SPOILERS_FROM),
        ("more-aspects", aspect_stratum, MORE_ASPECTS_FROM),
        ("more-spoilers", spoiler_stratum, MORE_SPOILERS_FROM),
    ):
        first = set(chosen.get(name.removeprefix("more-"), ()))
        found = [] if first else list(at_random)
        left = dict(wanted)
        for id in rest:
            stratum = stratum_of(texts[id])
            if left.get(stratum, 0) and id not in first:
                left[stratum] -= 1
                found.append(id)
        chance.shuffle(found)
        chosen[name] = found
    return chosen


def read_labels(name: str, texts: Mapping[str, str]) -> list[Labelled]:
    """The labelled texts of `aspects` or `spoilers`. Half of them, by their hash, is the test half."""
    with (LABELS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        assert row["file"] == FILE, f"{name}.tsv: '{row['file']}' is not read here"
        assert fingerprint(texts[row["id"]]).hex() == row["fingerprint"], f"{name}.tsv: {row['id']} is another text"
    stratum_of = STRATA[name]
    population = Counter(map(stratum_of, texts.values()))
    labelled = Counter(stratum_of(texts[row["id"]]) for row in rows)
    found = []
    for row in rows:
        text = texts[row["id"]]
        stratum = stratum_of(text)
        again = _labels(row["again"]) if row["again"] else None
        weight = population[stratum] / labelled[stratum]
        found.append(Labelled(row["id"], text, _labels(row["labels"]), again, stratum, weight, is_test(text)))
    return found


def is_test(text: str) -> bool:
    """Whether a labelled text is for measuring only."""
    return share_of(text, "aspects-test") < 0.5


def _labels(cell: str) -> frozenset[str]:
    return frozenset() if cell == "-" else frozenset(cell.split("+"))


def write_files(out: Path, ids: Sequence[str], texts: Mapping[str, str], name: str) -> None:
    """The texts to label, 50 a file: number, id, text."""
    out.mkdir(parents=True, exist_ok=True)
    for begin in range(0, len(ids), 50):
        lines = [f"{begin + at}\t{id}\t{texts[id]}\n" for at, id in enumerate(ids[begin : begin + 50])]
        (out / f"{name}-{begin // 50:02}.tsv").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Draw and write what is to be labelled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    texts = corpus_texts(chosen.corpus)
    read: set[str] = set()  # for aspects, and for spoilers at once
    for name, ids in draw(texts).items():
        aspects = name.endswith("aspects")
        write_files(chosen.out, [id for id in ids if aspects or id not in read], texts, name)
        read |= set(ids) if aspects else set()
        stratum_of = STRATA[name.removeprefix("more-")]
        print(name, len(ids), dict(Counter(stratum_of(texts[id]) for id in ids)))
        print("the corpus", dict(Counter(map(stratum_of, texts.values()))))


if __name__ == "__main__":
    main()
