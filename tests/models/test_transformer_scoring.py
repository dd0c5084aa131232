"""A transformer at work: one answer per text whatever its neighbours, torch not needed, damage explained."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from reelsense.errors import ModelError  # noqa: E402
from reelsense.models.encoder import SentimentModel  # noqa: E402
from reelsense.models.loading import load_folder, read_facts  # noqa: E402
from reelsense.models.onnx_export import export_onnx  # noqa: E402
from reelsense.models.scratch_encoder import ScratchConfig, ScratchEncoder  # noqa: E402
from reelsense.models.tokens import batches_by_length, open_tokenizer, token_ids  # noqa: E402
from reelsense.models.transformer import Precision, Transformer, load_transformer, onnx_log_odds  # noqa: E402, onnx_log_odds
from reelsense.training.scratch import train_tokenizer  # noqa: E402

TEXTS = [
    f"{start} {end}"
    for start in ("정말", "이건 좀", "배우 연기가", "ㅋㅋㅋ")
    for end in ("재밌다", "별로네요...", "최고!!")
]
ODD = ["", " ", "⠀", "[CLS] [SEP] [PAD]", "😀" * 50, "가" * 10_000, "\x00\ud800"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a small encoder of random weights, large enough for its answers to differ."""
    torch.set_num_threads(1)
    torch.manual_seed(3)
    out = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(TEXTS * 5, 200)
    (out / "tokenizer").mkdir()
    tokenizer.save(str(out / "tokenizer" / "tokenizer.json"))
    config = ScratchConfig(
        vocabulary=tokenizer.get_vocab_size(), hidden=32, pair_buckets=512, pair_size=8, max_length=24
    )
    model = SentimentModel(ScratchEncoder(config)).eval()
    model.core.head.weight.data.mul_(10)
    model.save(out / "torch")
    export_onnx(model, token_ids(open_tokenizer(out / "tokenizer", 24), TEXTS), 0, out)
    facts = {"format": 1, "kind": "transformer", "name": "tiny", "temperature": 1.7, "max_length": 24, "pad_id": 0}
    (out / "model.json").write_text(json.dumps(facts))
    return out


def opened(folder: Path, precision: Precision | None = None, threads: int | None = None) -> Transformer:
    return load_transformer(folder, read_facts(folder), "1", precision, threads)


def test_a_folder_opens_as_int8_with_its_name_and_version(folder: Path) -> None:
    model = load_folder(folder, "7")
    assert (model.name, model.version, model.precision) == ("tiny", "7", "int8")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("precision", "noise"), [("int8", 0.0), ("fp32", 1e-6), ("torch", 1e-6)])
def test_the_answer_for_a_text_does_not_depend_on_its_neighbours(
    folder: Path, precision: Precision, noise: float
) -> None:
    model = opened(folder, precision)
    texts = [*TEXTS, *ODD]
    together = model.predict_proba(texts)
    alone = np.array([model.predict_proba([text])[0] for text in texts])
    backwards = model.predict_proba(texts[::-1])[::-1]
    assert np.abs(together - alone).max() <= noise
    assert np.abs(together - backwards).max() <= noise
    assert np.ptp(together) > 0.03  # answers that are all alike would prove nothing


@pytest.mark.parametrize("precision", ["int8", "fp32", "torch"])
def test_probabilities_are_float32_between_0_and_1_for_any_text(folder: Path, precision: Precision) -> None:
    values = opened(folder, precision).predict_proba(ODD)
    assert values.dtype == np.float32
    assert values.shape == (len(ODD),)
    assert ((values >= 0) & (values <= 1)).all()
    assert opened(folder, precision).predict_proba([]).shape == (0,)


def test_the_precisions_agree(folder: Path) -> None:
    int8, fp32, by_torch = (opened(folder, precision).predict_proba(TEXTS) for precision in ("int8", "fp32", "torch"))
    assert np.abs(fp32 - by_torch).max() < 1e-5
    assert np.abs(int8 - by_torch).max() < 0.1


def test_threads_do_not_change_the_answers_or_their_order(folder: Path) -> None:
    texts = TEXTS * 50
    assert np.array_equal(
        opened(folder, threads=1).predict_proba(texts), opened(folder, threads=4).predict_proba(texts)
    )


def test_the_temperature_divides_the_log_odds(folder: Path) -> None:
    model = opened(folder)
    odds = model.logits(TEXTS)
    assert model.predict_proba(TEXTS) == pytest.approx(1 / (1 + np.exp(-odds / 1.7)), abs=1e-6)


def test_special_tokens_in_a_text_are_text(folder: Path) -> None:
    tokenizer = open_tokenizer(folder / "tokenizer", 24)
    assert (token_ids(tokenizer, ["재밌다 [PAD] [MASK]"])[0] > 0).all()
    assert 3 not in token_ids(tokenizer, ["재밌다 [PAD] [MASK]"])[0]


def test_cleaning_is_part_of_the_model(folder: Path) -> None:
    model = opened(folder)
    assert model.predict_proba(["정말  재밌다\u200b ㅋㅋㅋㅋㅋㅋㅋ"]) == model.predict_proba(["정말 재밌다 ㅋㅋㅋ"])


def test_without_the_int8_file_the_next_best_is_used(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "model.int8.onnx").unlink()
    assert opened(copy).precision == "fp32"
    (copy / "model.onnx").write_bytes(b"damaged")
    assert opened(copy).precision == "torch"
    for damaged in ("model.safetensors", "config.json"):
        (copy / "torch" / damaged).write_bytes(b"damaged")
        with pytest.raises(ModelError, match=r"torch' can't be opened"):
            opened(copy)
    shutil.rmtree(copy / "torch")
    with pytest.raises(ModelError, match=r"model\.int8\.onnx.*missing"):
        opened(copy)


DAMAGE = (
    *(
        "temperature",
        "temperature is 0",
        "temperature is NaN",
        "temperature is []",
        "pad_id is -1",
        "pad_id is Infinity",
    ),
    *("max_length is -1", "max_length is 1e999", "max_length is 1e12", "max_length is null"),
)


@pytest.mark.parametrize("damage", [*DAMAGE, "no tokenizer", "tokenizer is no JSON", "no word for what is unknown"])
def test_a_damaged_folder_says_what_is_wrong(damage: str, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    if damage == "no tokenizer":
        shutil.rmtree(copy / "tokenizer")
    elif damage == "tokenizer is no JSON":
        (copy / "tokenizer" / "tokenizer.json").write_text("{")
    elif damage == "no word for what is unknown":
        told = json.loads((copy / "tokenizer" / "tokenizer.json").read_text())
        told["model"] = {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "[UNK]"}
        told["post_processor"], told["added_tokens"] = None, []
        (copy / "tokenizer" / "tokenizer.json").write_text(json.dumps(told))
    else:
        key, _, value = damage.partition(" is ")
        facts = json.loads((copy / "model.json").read_text())
        facts = {**facts, key: json.loads(value)} if value else {name: facts[name] for name in facts if name != key}
        (copy / "model.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="again"):
        opened(copy).predict_proba(["좋아요 가나다"])


def test_a_file_with_other_outputs_is_another_model(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes((folder / "model.onnx").read_bytes().replace(b"log_odds", b"log_oddz"))
    with pytest.raises(ModelError, match="another kind of model"):
        onnx_log_odds(path)


def test_scoring_needs_neither_torch_nor_transformers(folder: Path) -> None:
    program = """
import sys
sys.modules.update(torch=None, transformers=None)  # importing them raises ImportError
from pathlib import Path
from reelsense.models.loading import load_folder
assert len(load_folder(Path(sys.argv[1])).predict_proba(["정말 재밌다", "별로네요"])) == 2
"""
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("max_tokens", "max_rows"), [(50, 8), (5, 3), (1000, 1)])
def test_inference_batches_keep_their_budget_and_every_row(max_tokens: int, max_rows: int) -> None:
    lengths = np.random.default_rng(1).integers(1, 30, 200)
    batches = batches_by_length(lengths, max_tokens, max_rows)
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    for batch in batches:
        assert len(batch) == 1 or (len(batch) <= max_rows and len(batch) * lengths[batch].max() <= max_tokens)
