"""One torch module over every encoder: token ids in, log-odds of positive out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from reelsense.errors import ModelError
from reelsense.models.scratch_encoder import SCRATCH, ScratchEncoder, load_scratch, save_scratch

# What the dropouts of BERT's, ELECTRA's, RoBERTa's and their relatives' configurations are called.
_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "dropout",
    "attention_dropout",
    "seq_classif_dropout",
)


class SentimentModel(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """ids and mask, int64 (n, t) -> log-odds of positive, float (n,). `core` gives two logits: negative, positive."""

    def __init__(self, core: Any) -> None:
        super().__init__()
        self.core = core

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        if isinstance(self.core, ScratchEncoder):
            logits = self.core(ids, mask)
        else:
            logits = self.core(input_ids=ids, attention_mask=mask).logits
        odds: Tensor = logits[:, 1] - logits[:, 0]
        return odds

    @property
    def longest(self) -> int:
        """Tokens of the longest text the encoder can read."""
        if isinstance(self.core, ScratchEncoder):
            return self.core.config.max_length
        config = self.core.config
        # RoBERTa counts positions from after the padding's number, so that two of its 514 are never used.
        lost = config.pad_token_id + 1 if "roberta" in config.model_type else 0
        return int(config.max_position_embeddings) - lost

    @property
    def layers(self) -> nn.ModuleList:
        """The encoder's layers, lowest first."""
        stacks = [module for module in self.core.modules() if isinstance(module, nn.ModuleList)]
        if not stacks:
            raise ModelError(f"{type(self.core).__name__} has no stack of layers, so unfrozen_layers can't be used.")
        return max(stacks, key=len)

    def save(self, folder: Path) -> None:
        """Write config.json and model.safetensors; a Hugging Face encoder's can be read by `transformers` as it is."""
        if isinstance(self.core, ScratchEncoder):
            save_scratch(self.core, folder)
        else:
            with _quiet_transformers():
                self.core.save_pretrained(folder)

    @classmethod
    def load(cls, source: Path | str, dropout: float = 0.0, own: bool = False) -> SentimentModel:
        """From a folder or, by `transformers`, a name on the Hub; a missing head is made new.

        An `own` folder is one that `save` wrote: safetensors or nothing, so that no pickle is looked at.
        Raises OSError and ValueError as `transformers` does, ModelError for an encoder that is not usable here.
        """
        if is_scratch(source):
            return cls(load_scratch(Path(source), dropout))
        from transformers import AutoConfig, AutoModelForSequenceClassification

        with _quiet_transformers():
            # Never trust_remote_code: a model is data.
            config = AutoConfig.from_pretrained(source, num_labels=2, trust_remote_code=False)
            for name in _DROPOUTS:
                if hasattr(config, name):
                    setattr(config, name, dropout)
            if not hasattr(config, "max_position_embeddings"):
                raise ModelError(
                    f"'{source}' ({config.model_type}) is not an encoder with a fixed number of positions."
                )
            kind = AutoModelForSequenceClassification
            safe = True if own else None
            return cls(kind.from_pretrained(source, config=config, use_safetensors=safe, trust_remote_code=False))


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without progress bars and the report that the head is new, which is always so."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def is_scratch(source: Path | str) -> bool:
    """Whether a folder holds the small encoder of `reelsense.models.scratch_encoder`."""
    path = Path(source) / "config.json"
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("model_type", "").startswith(SCRATCH)
