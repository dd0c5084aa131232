"""The behavioural suite: what its templates become, what counts as a failure, and what the bundled model shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from reelsense.errors import SettingsError
from reelsense.models.base import Probabilities
from reelsense.models.loading import load_bundled
from reelsense.reporting.probe import probe_table, write_probe_page
from reelsense.training.behaviours import MOST_CASES, Behaviour, bundled_behaviours, fill, read_behaviours, suite_number
from reelsense.training.probing import TOLERANCE, probe

SMALL = """
words:
  good: [최고예요, 재밌어요]
  film: [명량, 괴물, 최악의 하루]
capabilities:
  - name: [어휘, vocabulary]
    tests:
      - {name: [칭찬, praise], expect: positive, texts: ["{good}", "{film+은} {good}"]}
  - name: [이름, names]
    tests:
      - {name: [제목, titles], vary: film, texts: ["{film} 봤어요"]}
      - {name: [붙여쓰기, blanks], perturb: without_spaces, texts: ["{film} {good}", "최고"]}
  - name: [강조, emphasis]
    tests:
      - {name: [느낌표, marks], toward: positive, pairs: [["{good}", "{good}!!"]]}
"""


class Fixed:
    """A model that answers what it is told, 0.5 for any other text."""

    name = "fixed"
    version = "1"

    def __init__(self, **answers: float) -> None:
        self.answers = answers

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        return np.array([self.answers.get(text, 0.5) for text in texts], dtype=np.float32)


@pytest.fixture
def suite(tmp_path: Path) -> tuple[Behaviour, ...]:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return read_behaviours(path)


def test_templates_are_filled_with_every_word_and_its_particle(suite: tuple[Behaviour, ...]) -> None:
    praise, titles, blanks, marks = suite
    assert [case.texts[0] for case in praise.cases] == [
        "최고예요",
        "재밌어요",
        *("명량은 최고예요", "명량은 재밌어요", "괴물은 최고예요", "괴물은 재밌어요"),
        *("최악의 하루는 최고예요", "최악의 하루는 재밌어요"),
    ]
    assert [case.texts for case in titles.cases] == [
        ("명량 봤어요", "괴물 봤어요"),
        ("명량 봤어요", "최악의 하루 봤어요"),
    ]
    # "최고" has no blank to lose, so it is no case.
    assert len(blanks.cases) == 6
    assert blanks.cases[0].texts == ("명량 최고예요", "명량최고예요")
    assert [one.kind for one in suite] == ["minimum", "invariance", "invariance", "direction"]
    assert marks.cases[0].texts == ("최고예요", "최고예요!!")


@pytest.mark.parametrize(
    ("template", "word", "text"),
    [
        ("{x+은}", "영화", "영화는"),
        ("{x+이}", "결말", "결말이"),
        ("{x+을} 봄", "SF", "SF를 봄"),
        ("{x+과}", "음악", "음악과"),
        ("{x+이라}고", "쓰레기", "쓰레기라고"),
        ("{x+이라}고", "졸작", "졸작이라고"),
    ],
)
def test_a_particle_follows_the_last_letter(template: str, word: str, text: str) -> None:
    assert fill(template, {"x": word}) == text


def test_the_suite_of_the_package_is_large_varied_and_always_the_same() -> None:
    suite = bundled_behaviours()
    cases = sum(len(one.cases) for one in suite)
    assert cases >= 800
    assert {one.kind for one in suite} == {"minimum", "invariance", "direction"}
    wanted = {"negation", "contrast", "sarcasm", "names", "spacing", "typing errors", "emoji", "slang", "emphasis"}
    assert wanted | {"English mixed in", "politeness", "questions", "drawn-out words"} <= {
        one.capability[1] for one in suite
    }
    assert all(len(one.cases) <= MOST_CASES for one in suite)
    assert all(case.texts[0] != case.texts[-1] for one in suite for case in one.cases if len(case.texts) == 2)
    assert not any("{" in text or "}" in text for one in suite for case in one.cases for text in case.texts)
    assert len({one.name[1] for one in suite}) == len(suite)
    code = "from reelsense.training.behaviours import *; print(suite_number(bundled_behaviours()))"
    # Another process hashes strings differently.
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_path())
    assert other.stdout.strip() == suite_number(suite)


def _path() -> dict[str, str]:
    import reelsense

    return {"PYTHONPATH": str(Path(reelsense.__file__).parents[1])}


def test_the_number_of_a_suite_changes_with_a_case(suite: tuple[Behaviour, ...], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SMALL.replace("재밌어요", "재밌네요"), encoding="utf-8")
    assert suite_number(read_behaviours(other)) != suite_number(suite)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (SMALL.replace("expect: positive", "expect: good"), "praise.*'good' is none of positive"),
        (SMALL.replace("vary: film", "vary: actor"), "titles.*'actor' is none of"),
        (SMALL.replace('texts: ["{film} 봤어요"]', 'texts: ["{who}"]'), "no list of words 'who'"),
        (SMALL.replace("vary: film,", "vary: film, expect: positive,"), "one of expect, vary"),
        (SMALL.replace("vary: film,", "vary: film, txts: [],"), "txts"),
        (SMALL.replace("[제목, titles]", "titles"), "titles"),
        ("words: [", "no file of behaviours"),
        ("nothing: here", "no file of behaviours"),
    ],
)
def test_wrong_templates_are_named(tmp_path: Path, wrong: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        read_behaviours(path)


def test_each_kind_of_failure_is_counted(suite: tuple[Behaviour, ...]) -> None:
    answers = {"최고예요": 0.9, "재밌어요": 0.4, "최고예요!!": 0.9 - TOLERANCE - 0.05, "재밌어요!!": 0.35}
    answers |= {"명량 봤어요": 0.6, "괴물 봤어요": 0.9, "최악의 하루 봤어요": 0.1}
    found = probe(Fixed(**answers), 0.7, suite)
    praise, titles, blanks, marks = found.outcomes
    assert (praise.cases, praise.failed) == (8, 1)
    assert praise.examples[0].texts == ("재밌어요",)
    # Far apart but on the same side is no failure; the other side is.
    assert titles.examples[0].texts == ("명량 봤어요", "최악의 하루 봤어요")
    assert (titles.cases, titles.failed, blanks.failed) == (2, 1, 0)
    # A fall within the tolerance is none.
    assert [one.texts for one in marks.examples] == [("최고예요", "최고예요!!")]
    assert {one.name[1]: one.failed for one in found.capabilities} == {"vocabulary": 1, "names": 1, "emphasis": 1}
    assert found.rate == pytest.approx((1 / 8 + 1 / 8 + 1 / 2) / 3)


def test_unsure_means_neutral_by_the_threshold_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "unsure.yaml"
    path.write_text(
        "words: {}\ncapabilities:\n"
        '- {name: [물음, questions], tests: [{name: [가, a], expect: unsure, texts: ["언제?"]}]}',
        encoding="utf-8",
    )
    model = Fixed(**{"언제?": 0.25})
    assert probe(model, 0.7, read_behaviours(path)).failed == 1
    assert probe(model, 0.8, read_behaviours(path)).failed == 0


def test_the_bundled_model_knows_plain_words_and_is_weak_at_denial() -> None:
    found = {one.name[1]: one.rate for one in probe(load_bundled(), 0.7).capabilities}
    assert found["vocabulary"] < 0.1
    assert found["spacing"] < 0.15
    assert found["negation"] > found["vocabulary"]


def test_a_page_of_two_models_shows_both_and_needs_no_network(suite: tuple[Behaviour, ...], tmp_path: Path) -> None:
    models = [probe(Fixed(**{"최고예요": 0.9}), 0.7, suite), probe(Fixed(**{"재밌어요": 0.1}), 0.7, suite)]
    page = write_probe_page(models, tmp_path / "page.html", "ko").read_text(encoding="utf-8")
    assert "모델 행동 시험" in page
    assert page.count("<h2>fixed 1</h2>") == 2
    assert '<script src="http' not in page
    assert "Failure rate by capability" in write_probe_page(models, tmp_path / "en.html", "en").read_text("utf-8")


def test_the_terminal_obeys_no_name_and_no_text(suite: tuple[Behaviour, ...]) -> None:
    found = probe(Fixed(**{"최고예요": 0.1}), 0.7, suite)
    outcomes = tuple(
        replace(one, examples=tuple(replace(bad, texts=("최고\x1b[2J[red]",)) for bad in one.examples))
        for one in found.outcomes
    )
    console = Console(width=200)
    with console.capture() as shown:
        console.print(probe_table([replace(found, model="model\x1b]0;x\x07", outcomes=outcomes)], "ko"))
    assert r"model\x1b]0;x\x07" in shown.get()
    assert r"최고\x1b[2J[red]" in shown.get()
    assert "\x1b[2J" not in shown.get()


def test_the_command_prints_json_and_writes_a_page(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "reelsense.cli.main",
        "probe",
        "--model",
        "bundled",
        "--json",
        "--out",
        "page.html",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=_path(), check=True)
    found = json.loads(done.stdout)
    assert found[0]["version"].startswith("bundled-")
    assert found[0]["suite"] == suite_number(bundled_behaviours())
    assert 0 < found[0]["capabilities"]["negation"]["failure_rate"] < 1
    assert (tmp_path / "page.html").stat().st_size > 100_000
