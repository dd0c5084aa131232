"""A model folder with an encoder of KoBERT's size whose layers were never trained: for speed, any weights will do.

Only the last layer is fitted, on the answers of the others, so that the model knows most plain sentences and the
service takes it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from reelsense.models.encoder import SentimentModel
from reelsense.models.onnx_export import write_fp32, write_int8
from reelsense.models.tokens import batches_by_length, open_tokenizer, pad, token_ids
from reelsense.models.transformer import ONNX_FILES

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_MAX_LENGTH = 128
_FITTED_ON = 3000


def make(folder: Path, texts: list[str], labels: list[int], layers: int = 12, hidden: int = 768) -> Path:
    """Write the folder if it is not there: torch weights (readable by transformers), tokenizer, ONNX fp32 and int8."""
    if (folder / "model.json").is_file():
        return folder
    torch.manual_seed(1)
    tokenizer = wordpiece(texts)
    (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    )
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=4 * hidden,
        pad_token_id=0,
        num_labels=2,
    )
    core = BertForSequenceClassification(config).eval()
    for place in (folder / "tokenizer", folder / "torch"):
        fast.save_pretrained(place)
        # A name that transformers 4 knows as well.
        config_file = place / "tokenizer_config.json"
        facts = {**json.loads(config_file.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}
        config_file.write_text(json.dumps(facts))
    rows = token_ids(open_tokenizer(folder / "tokenizer", _MAX_LENGTH), texts[:_FITTED_ON])
    _fit_head(core, rows, labels[:_FITTED_ON])
    core.config.id2label, core.config.label2id = {0: "negative", 1: "positive"}, {"negative": 0, "positive": 1}
    model = SentimentModel(core)
    model.save(folder / "torch")
    write_fp32(model, folder / ONNX_FILES["fp32"], rows[:200], 0)
    write_int8(folder / ONNX_FILES["fp32"], folder / ONNX_FILES["int8"])
    facts = {"format": 1, "kind": "transformer", "name": "kobert-sized", "data_version": "random"}
    facts |= {"temperature": 1.0, "max_length": _MAX_LENGTH, "pad_id": 0}
    (folder / "model.json").write_text(json.dumps(facts))
    return folder


def wordpiece(texts: list[str]) -> Tokenizer:
    """A WordPiece tokenizer learned from `texts`, as big as KoBERT's."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # KoBERT's vocabulary has 8,002 pieces.
    trainer = trainers.WordPieceTrainer(vocab_size=8002, special_tokens=_SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer


def _fit_head(core: BertForSequenceClassification, rows: list[np.ndarray], labels: list[int]) -> None:
    from sklearn.linear_model import LogisticRegression

    features = np.zeros((len(rows), core.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for batch in batches_by_length([len(row) for row in rows], 2048, 64):
            ids, mask = (torch.from_numpy(part) for part in pad([rows[at] for at in batch], 0))
            features[batch] = core.bert(input_ids=ids, attention_mask=mask).pooler_output.numpy()
    centre, spread = features.mean(0), features.std(0) + 1e-6
    fitted = LogisticRegression(C=0.05, max_iter=500).fit((features - centre) / spread, labels)
    weight = fitted.coef_[0] / spread
    bias = float(fitted.intercept_[0] - weight @ centre)
    with torch.no_grad():
        for row, sign in enumerate((-0.5, 0.5)):
            core.classifier.weight[row] = torch.from_numpy(sign * weight).float()
            core.classifier.bias[row] = sign * bias
