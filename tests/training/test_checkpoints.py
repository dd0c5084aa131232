"""A checkpoint holds the whole state of a run, is never half written, and belongs to one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from reelsense.errors import ModelError  # noqa: E402
from reelsense.training.checkpoints import Checkpoints, Position  # noqa: E402


def parts(seed: int = 0):  # type: ignore[no-untyped-def]
    torch.manual_seed(seed)
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(3, 4)).sum().backward()
    optimizer.step()
    return model, optimizer, torch.amp.GradScaler("cpu", enabled=False)


def test_weights_optimizer_random_numbers_and_position_come_back(tmp_path: Path) -> None:
    model, optimizer, scaler = parts()
    position = Position(epoch=2, batch=7, step=50, evaluations=3, best=0.8, best_at=2, worse=1, seconds=1.5)
    Checkpoints(tmp_path, "run").save(position, model, optimizer, scaler)
    expected = torch.rand(3)

    other, other_optimizer, other_scaler = parts(seed=9)
    assert Checkpoints(tmp_path, "run").resume(other, other_optimizer, other_scaler) == position
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(other.weight, model.weight)
    moments = [one.state_dict()["state"][0]["exp_avg"] for one in (optimizer, other_optimizer)]
    assert torch.equal(*moments)


def test_a_new_run_starts_at_zero(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "new", "run").resume(*parts()) == Position()


def test_a_checkpoint_of_other_data_or_settings_is_not_resumed(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "one").save(Position(epoch=2), *parts())
    assert Checkpoints(tmp_path, "another").resume(*parts()) == Position()


def test_a_write_cut_off_half_way_leaves_the_checkpoint_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path, "run")
    checkpoints.save(Position(epoch=1), *parts())

    def full_disk(_state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save(Position(epoch=2), *parts())
    assert Checkpoints(tmp_path, "run").resume(*parts()).epoch == 1


def test_the_best_weights_come_back_whatever_was_learned_after_them(tmp_path: Path) -> None:
    model, optimizer, _ = parts()
    checkpoints = Checkpoints(tmp_path, "run")
    best = model.weight.detach().clone()
    checkpoints.save_best(model)
    optimizer.step()
    assert not torch.equal(model.weight, best)
    checkpoints.load_best(model)
    assert torch.equal(model.weight, best)


def test_a_damaged_checkpoint_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "run")
    (tmp_path / "state.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match="Delete its folder"):
        checkpoints.resume(*parts())


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path(marker).touch, ()  # type: ignore[return-value]

    checkpoints = Checkpoints(tmp_path, "run")
    torch.save({"position": Harmful()}, tmp_path / "state.pt")
    with pytest.raises(ModelError):
        checkpoints.resume(*parts())
    assert not marker.exists()


def test_patience_counts_evaluations_since_the_best() -> None:
    position = Position().scored(0.5, patience=2)
    assert (position.best, position.worse, position.stopped) == (0.5, 0, False)
    position = position.scored(0.4, patience=2)
    assert (position.worse, position.stopped) == (1, False)
    assert position.scored(0.6, patience=2) == replace(position, evaluations=3, best=0.6, best_at=3, worse=0)
    assert position.scored(0.5, patience=2).stopped
