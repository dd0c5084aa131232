"""The page of `tune`: every trial, how it ended, and the best."""

from __future__ import annotations

from pathlib import Path

from reelsense.pipelines.tune import Tuned
from reelsense.registry.tuning_runs import TrialRun
from reelsense.reporting.tune_page import write_tune_page
from reelsense.training.search import Range


def test_it_shows_every_trial_and_how_it_ended(tmp_path: Path) -> None:
    values = {"training.learning_rate": 1e-3}
    trials = [
        TrialRun(0, "complete", values, {"macro_f1": 0.81, "seconds": 2.0}, {1: 0.8}),
        TrialRun(1, "pruned", values, {}, {1: 0.5}),
        TrialRun(2, "failed", values, {}, {}, "The loss is <no> number"),
        TrialRun(3, "complete", {"training.learning_rate": 2e-3}, {"macro_f1": 0.83, "seconds": 2.0}),
    ]
    space = [Range("training.learning_rate", 1e-4, 1e-2, log=True)]
    found = Tuned("s", "scratch", "abc", space, trials, 3, trials[3].parameters, 0.83, 0.81, tmp_path / "s.yaml", "run")
    html = write_tune_page(found, tmp_path / "page.html", "ko").read_text(encoding="utf-8")
    assert html.count('class="plotly-graph-div"') == 2
    assert "0.8300" in html
    assert "0.8100" in html
    assert all(word in html for word in ("완료", "중단", "실패"))
    assert "&lt;no&gt;" in html
    english = write_tune_page(found, tmp_path / "page.html", "en").read_text(encoding="utf-8")
    assert "Search of hyper-parameters" in english
