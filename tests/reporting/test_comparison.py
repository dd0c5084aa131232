"""The comparison people look at: one table in three shapes, two pictures, escaped, in two languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from reelsense.errors import InputError
from reelsense.pipelines.compare_models import ModelRow, ModelsCompared
from reelsense.pipelines.model_costs import Costs
from reelsense.registry.gate import mcnemar
from reelsense.reporting.comparison import markdown, table_of, terminal_table, write_comparison
from reelsense.training.evaluate import measure

LABELS = np.array([0, 1] * 20)


def row(name: str, wrong: int, size: int, ms: float, reference: ModelRow | None = None) -> ModelRow:
    positive = np.where(LABELS == 1, 0.9, 0.1)
    positive[:wrong] = 1 - positive[:wrong]
    judged = measure(positive.astype(np.float32), LABELS, [10] * len(LABELS))
    test = mcnemar(reference.evaluation.right, judged.right) if reference and reference.evaluation else None
    costs = Costs(size, 1_000_000, "int8", ms, 2 * ms, 1000 / ms)
    return ModelRow(name, "", "baseline", "1", "data", 1.5, costs, judged, test, "better" if test else None)


@pytest.fixture
def found() -> ModelsCompared:
    champion = row("champion", 12, 600_000, 0.05)
    better = row("<b>새것</b>", 2, 7_000_000, 0.9, champion)
    missing = ModelRow("kobert", "The encoder 'skt/kobert' can't be loaded: <script>alert(1)</script> no [bold]net.")
    made = datetime(2026, 11, 22, tzinfo=UTC)
    return ModelsCompared("test", 40, "champion", 0.05, 2, made, (better, champion, missing))


def test_the_table_has_every_number(found: ModelsCompared) -> None:
    heads, rows = table_of(found, "en")

    assert heads[:5] == ["model", "accuracy", "macro-F1", "ECE", "against champion"]
    # 2 and 12 of 40 wrong, half of them of each class, all said with 90 %; only the first has ten right: p = 2 / 2^10.
    assert rows[0][:3] == ["<b>새것</b>", "0.9500", "0.9500"]
    assert rows[0][3:5] == ["0.0500", "better p=0.0020 (10:0)"]
    assert rows[0][5:] == ["7.00", "0.9", "1,111", "1.5", "1,000,000"]
    assert rows[1][:2] + rows[1][4:6] == ["champion", "0.7000", "reference", "0.60"]
    assert len(rows) == 2


def test_the_terminal_shows_the_models_and_why_one_is_missing(found: ModelsCompared) -> None:
    console = Console(width=200, record=True)
    with console.capture() as shown:
        console.print(terminal_table(found, "ko"))

    assert "champion 대비" in shown.get()
    assert "더 나음 p=0.0020" in shown.get()
    assert "봉인된 시험 · " in shown.get()
    assert "no [bold]net." in re.sub(r"\s+", " ", shown.get())


def test_the_terminal_obeys_no_name_and_no_reason(found: ModelsCompared) -> None:
    odd = tuple(replace(one, name=f"{one.name}\x1b]0;x\x07[red]", reason=one.reason + "\x1b[2J") for one in found.rows)
    console = Console(width=240, record=True)
    with console.capture() as shown:
        console.print(terminal_table(replace(found, rows=odd, reference=odd[1].name), "ko"))

    assert "\x1b]" not in shown.get()
    assert "\x1b[2J" not in shown.get()
    assert r"champion\x1b]0;x\x07[red] 대비" in shown.get()


def test_markdown_has_a_line_a_model_and_the_reasons(found: ModelsCompared) -> None:
    lines = markdown(found, "en").splitlines()

    assert sum(line.startswith("| ") for line in lines) == 4
    assert any(line.startswith("- kobert: The encoder") for line in lines)


def test_the_page_needs_no_network_and_runs_nothing_that_a_name_or_reason_says(
    found: ModelsCompared, tmp_path: Path
) -> None:
    page = write_comparison(found, tmp_path / "out", "ko").read_text(encoding="utf-8")

    assert page.count("Plotly.newPlot(") >= 2
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="', page)
    assert "<b>새것" not in page
    assert "&lt;b&gt;새것&lt;/b&gt;" in page
    assert "<script>alert" not in page
    assert "더 나음" in page


def test_a_place_that_cant_be_written_is_said(found: ModelsCompared, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="can't be written"):
        write_comparison(found, tmp_path / "file")
    (tmp_path / "comparison.html").mkdir()
    with pytest.raises(InputError, match="can't be written"):
        write_comparison(found, tmp_path)
    assert not list(tmp_path.glob(".comparison*"))


def test_the_page_speaks_english_too(found: ModelsCompared, tmp_path: Path) -> None:
    page = write_comparison(found, tmp_path, "en").read_text(encoding="utf-8")

    assert '<html lang="en">' in page
    assert "Can the probabilities be trusted" in page
    assert "정확도" not in page


def test_a_folder_that_can_not_be_written_to_is_an_error_that_names_it(found: ModelsCompared, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(InputError, match=r"out.*can't be written"):
        write_comparison(found, tmp_path / "out")


def test_the_areas_of_the_points_go_by_size(found: ModelsCompared, tmp_path: Path) -> None:
    page = write_comparison(found, tmp_path, "en").read_text(encoding="utf-8")

    sizes = [int(size) for size in re.findall(r'"size":\[(\d+)\],"sizemin":\d+,"sizemode":"area"', page)]
    assert sizes == [7_000_000, 600_000]


def test_the_json_holds_what_the_page_shows(found: ModelsCompared, tmp_path: Path) -> None:
    write_comparison(found, tmp_path)
    read = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))

    assert (read["data"], read["n"], read["reference"]) == ("test", 40, "champion")
    first, second, third = read["models"]
    assert (first["metrics"]["accuracy"], first["metrics"]["mcnemar_p"], first["verdict"]) == (
        0.95,
        pytest.approx(2 / 2**10),
        "better",
    )
    assert "mcnemar_p" not in second["metrics"]
    assert sum(n for _, _, n in first["calibration"]) == 40
    assert third["reason"].startswith("The encoder")
    assert (tmp_path / "comparison.md").is_file()
