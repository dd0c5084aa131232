"""An exported file is accepted only when it gives torch's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("onnxruntime")

from reelsense.errors import ModelError  # noqa: E402
from reelsense.models import onnx_export  # noqa: E402
from reelsense.models.encoder import SentimentModel  # noqa: E402
from reelsense.models.onnx_export import check_parity, export_onnx  # noqa: E402
from reelsense.models.scratch_encoder import ScratchConfig, ScratchEncoder  # noqa: E402

ROWS = [
    np.random.default_rng(seed).integers(5, 60, size=length).astype(np.int32)
    for seed, length in enumerate(list(range(2, 30)) * 10)
]
# Too few for int8's agreement to be enforced: random weights are unsure of nearly every text.
FEW = ROWS[:150]
SIZES = {
    "vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 64, "initializer_range": 0.2, "pad_token_id": 1,
}  # fmt: skip


def encoder(kind: str, seed: int = 0) -> SentimentModel:
    """An encoder of random weights of each family that users name: KoBERT and KcBERT, KcELECTRA, KLUE, and ours."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    if kind == "scratch":
        return SentimentModel(ScratchEncoder(ScratchConfig(vocabulary=60, hidden=32, pair_buckets=64)))
    config = {
        "bert": transformers.BertConfig,
        "electra": transformers.ElectraConfig,
        "roberta": transformers.RobertaConfig,
    }[kind](**SIZES)
    if kind == "electra":
        config.embedding_size = 16
    return SentimentModel(transformers.AutoModelForSequenceClassification.from_config(config))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "electra", "roberta", "scratch"])
def test_both_files_give_torchs_answers_for_batches_of_mixed_length(kind: str, tmp_path: Path) -> None:
    # Left in training mode on purpose: the export must switch dropout off by itself.
    parity = export_onnx(encoder(kind).train(), FEW, 1, tmp_path)
    assert parity.texts == len(FEW)
    assert parity.fp32_difference < 1e-5
    assert parity.int8_difference < 0.1
    assert parity.int8_agreement >= 0.9
    assert (tmp_path / "model.int8.onnx").stat().st_size < (tmp_path / "model.onnx").stat().st_size


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    export_onnx(encoder("bert"), FEW, 1, tmp_path)
    with pytest.raises(ModelError, match="differs from torch"):
        check_parity(encoder("bert", seed=1).eval(), tmp_path / "model.onnx", tmp_path / "model.int8.onnx", ROWS, 1)


def test_an_int8_file_that_changes_labels_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_onnx(encoder("bert", seed=1), FEW, 1, tmp_path / "other")
    other = (tmp_path / "other" / "model.int8.onnx").read_bytes()

    # The quantizer goes wrong, once: what it writes belongs to other weights.
    monkeypatch.setattr(onnx_export, "write_int8", lambda _fp32, int8: int8.write_bytes(other))
    with pytest.raises(ModelError, match="int8 model gives another label"):
        export_onnx(encoder("bert"), ROWS, 1, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_model_whose_answers_are_no_numbers_is_refused(tmp_path: Path) -> None:
    broken = encoder("scratch")
    broken.core.head.weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="no numbers"):
        export_onnx(broken, ROWS, 1, tmp_path)


def test_without_texts_nothing_can_be_compared(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="validation texts"):
        check_parity(encoder("scratch"), tmp_path / "model.onnx", tmp_path / "model.int8.onnx", [], 1)
