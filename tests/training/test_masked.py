"""Guessing hidden words beside the labels, and learning from ratings that are no labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled_texts import review_texts

torch = pytest.importorskip("torch")

from reelsense.errors import ModelError  # noqa: E402
from reelsense.models.encoder import SentimentModel  # noqa: E402
from reelsense.models.scratch_encoder import ScratchConfig, ScratchEncoder  # noqa: E402
from reelsense.settings import load_settings  # noqa: E402
from reelsense.training.beside import Beside  # noqa: E402
from reelsense.training.data import Dataset, build_dataset, data_version, learned_texts  # noqa: E402
from reelsense.training.masked import MaskedWords  # noqa: E402
from reelsense.training.transformer import train_transformer  # noqa: E402
from reelsense.types import LabelledText, LukewarmText  # noqa: E402

QUICK = {
    "model.name": "scratch",
    "model.hidden": 32,
    "dataset.max_length": 32,
    "training.epochs": 3,
    "training.batch_size": 16,
    "training.learning_rate": 3e-3,
}


def small_encoder() -> SentimentModel:
    torch.manual_seed(0)
    return SentimentModel(ScratchEncoder(ScratchConfig(vocabulary=40, hidden=32, layers=1, max_length=16, dropout=0.0)))


def test_hidden_words_are_learned_from_their_neighbours() -> None:
    masked = MaskedWords(small_encoder())
    optimizer = torch.optim.AdamW(masked.parameters(), lr=3e-3)
    # Each word follows from the one before it.
    ids = torch.stack([torch.cat([torch.tensor([2]), 4 + (start + torch.arange(12)) % 36]) for start in range(36)])
    losses = []
    for _ in range(120):
        _, loss = masked(ids, torch.ones_like(ids))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[0] > 3
    assert sum(losses[-10:]) / 10 < 1.5


def test_padding_and_the_first_token_are_never_guessed() -> None:
    masked = MaskedWords(small_encoder())
    ids = torch.tensor([[2, 0, 0]])
    odds, loss = masked(ids, torch.tensor([[1, 0, 0]]))  # nothing but the first token
    assert odds.shape == (1,)
    assert loss.item() == 0.0


def test_it_is_for_the_small_encoder_alone(tiny_bert: Path, tmp_path: Path) -> None:
    rows = [LabelledText(text, label) for text, label in review_texts()[:60]]
    data = Dataset(tuple(rows[:40]), tuple(rows[40:]), "x", {})
    values = {**QUICK, "model.name": str(tiny_bert), "training.masked_weight": 0.5}
    with pytest.raises(ModelError, match="masked_weight"):
        train_transformer(data, load_settings(None, values, env_file=None), tmp_path)


def test_an_encoder_that_also_guesses_and_reads_ratings_is_saved_as_any_other(tmp_path: Path) -> None:
    rows = [LabelledText(text, label) for text, label in review_texts()]
    lukewarm = tuple(LukewarmText(f"그럭저럭 {number}", 6) for number in range(20))
    data = Dataset(tuple(rows[:300]), tuple(rows[300:400]), data_version(rows[:300], rows[300:400]), {}, lukewarm)
    values = {**QUICK, "training.masked_weight": 0.2, "dataset.lukewarm_weight": 0.5}
    trained = train_transformer(data, load_settings(None, values, env_file=None), tmp_path)
    assert trained.validation.accuracy > 0.9
    assert len(learned_texts(data)) == 320
    again = SentimentModel.load(tmp_path / "torch")
    assert not [name for name, _ in again.named_parameters() if "shape" in name]


def test_beside_another_model_it_learns_only_what_that_leaves(tmp_path: Path) -> None:
    rows = [LabelledText(text, label) for text, label in review_texts()]
    data = Dataset(tuple(rows[:300]), tuple(rows[300:400]), data_version(rows[:300], rows[300:400]), {})
    settings = load_settings(None, QUICK, env_file=None)

    def known(part: tuple[LabelledText, ...]) -> list[float]:
        return [12.0 if row.label else -12.0 for row in part]

    everything = Beside(*(torch.tensor(known(part)).numpy() for part in (data.train, data.validation)))
    trained = train_transformer(data, settings, tmp_path / "nothing-left", beside=everything)
    assert trained.validation.accuracy == 1.0
    alone = train_transformer(data, settings, tmp_path / "alone")
    moved = [
        float(SentimentModel.load(folder / "torch").core.head.weight.detach().abs().sum())
        for folder in (trained.folder, alone.folder)
    ]
    assert moved[0] < moved[1]


def test_lukewarm_reviews_are_those_between_the_labels_and_not_in_the_sealed_test(tmp_path: Path) -> None:
    def corpus(name: str, rows: list[tuple[str, int]]) -> None:
        lines = [f"{at}\t{text}\t{label}\n" for at, (text, label) in enumerate(rows)]
        (tmp_path / name).write_text("id\tdocument\tlabel\n" + "".join(lines), encoding="utf-8")

    corpus("ratings_train.txt", review_texts()[:50])
    corpus("ratings_test.txt", [("봉인된 글", 1)])
    rated = ["그냥 그래요\t6", "나쁘지 않아요\t8", "봉인된 글\t5", "별로\t4", "최고\t9", f"{review_texts()[0][0]}\t7"]
    lines = [
        f"{at}\t1\t2015-01-01\t{line.split(chr(9))[1]}\t{line.split(chr(9))[0]}\n" for at, line in enumerate(rated)
    ]
    (tmp_path / "more.tsv").write_text("id\tmovie_id\tdate\trating\tdocument\n" + "".join(lines), encoding="utf-8")
    values = {"dataset.folder": str(tmp_path), "dataset.extra_files": [str(tmp_path / "more.tsv")]}
    plain = build_dataset(load_settings(None, values, env_file=None), [])
    assert plain.lukewarm == ()
    values |= {"dataset.lukewarm_weight": 0.5}  # type: ignore[dict-item]
    built = build_dataset(load_settings(None, values, env_file=None), [])
    assert {(row.text, row.rating) for row in built.lukewarm} == {("그냥 그래요", 6.0), ("나쁘지 않아요", 8.0)}
    assert built.version != plain.version
    assert built.train == plain.train
