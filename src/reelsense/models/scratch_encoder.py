"""The small encoder that is trained from nothing, as a torch module, and its files.

Each position knows its token and, by a hashed table, the pair it makes with the token before it (hashed n-gram
embeddings, as in Pagnoni et al., 2024, "Byte Latent Transformer"); LSTMs read the text in both directions (Graves and
Schmidhuber, 2005); mean and maximum over the positions make the answer. From a few hundred thousand short reviews an
LSTM learns more in one pass than self-attention of the same cost in two.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from reelsense.errors import ModelError

SCRATCH = "reelsense-scratch"
# The number changes with the weights' names and meaning.
MODEL_TYPE = f"{SCRATCH}-3"
PAD, UNKNOWN, FIRST, HIDDEN = "[PAD]", "[UNK]", "[CLS]", "[MASK]"
# The tokenizer gives them the ids 0 to 3 in this order.
SPECIAL_TOKENS = (PAD, UNKNOWN, FIRST, HIDDEN)
# A large odd multiplier spreads pairs over the table (Knuth's multiplicative hashing).
PAIR_MULTIPLIER = 2_654_435_761


@dataclass(frozen=True, slots=True)
class ScratchConfig:
    """Sizes of the small encoder. `token_dropout` is the share of tokens hidden from it while it learns.

    `hidden` numbers stand for a token, and for what each direction of a layer knows at a position.
    """

    vocabulary: int = 12_000
    hidden: int = 128
    layers: int = 1
    pair_buckets: int = 1 << 17
    pair_size: int = 32
    max_length: int = 512
    dropout: float = 0.1
    token_dropout: float = 0.1


class ScratchEncoder(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """ids and mask, int64 (n, t) -> logits (n, 2) for negative and positive."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        sizes = [config.hidden + config.pair_size, *[2 * config.hidden] * (config.layers - 1)]
        self.layers = nn.ModuleList(_BothWays(size, config.hidden) for size in sizes)
        self.head = nn.Linear(4 * config.hidden, 2)
        self.between = _TextDropout(config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(1, keepdim=True)  # (n, 1)
        places = torch.arange(ids.shape[1], device=ids.device)
        # Each text backwards, its padding still behind it: else the answer would depend on the longest in the batch.
        backwards = torch.where(places < lengths, lengths - 1 - places, places).unsqueeze(-1)  # (n, t, 1)
        states = self.embeddings(ids)
        for layer in self.layers:
            states = layer(self.between(states), backwards)
        seen = mask.unsqueeze(-1).to(states.dtype)  # (n, t, 1)
        mean = (states * seen).sum(1) / lengths
        highest = (states + (seen - 1.0) * 1e4).amax(1)
        logits: Tensor = self.head(self.dropout(torch.cat([mean, highest], dim=-1)))
        return logits


class _Embeddings(nn.Module):  # type: ignore[misc]  # torch is untyped here
    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.buckets = config.pair_buckets
        self.token_dropout = config.token_dropout
        self.tokens = nn.Embedding(config.vocabulary, config.hidden)
        self.pairs = nn.Embedding(config.pair_buckets, config.pair_size)
        nn.init.normal_(self.tokens.weight, std=0.1)
        nn.init.normal_(self.pairs.weight, std=0.05)

    def forward(self, ids: Tensor) -> Tensor:
        if self.training and self.token_dropout > 0:
            # Hidden tokens hide their pairs too.
            hidden = torch.rand(ids.shape, device=ids.device) < self.token_dropout
            ids = ids.masked_fill(hidden, SPECIAL_TOKENS.index(HIDDEN))
        before = torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], dim=1)
        pair = torch.remainder((before * 31_337 + ids) * PAIR_MULTIPLIER // 65_536, self.buckets)
        return torch.cat([self.tokens(ids), self.pairs(pair)], dim=-1)


class _BothWays(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """(n, t, size) -> (n, t, 2 hidden): what is known at each position from the left and from the right."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(size, hidden, batch_first=True)
        self.backwards = nn.LSTM(size, hidden, batch_first=True)

    def forward(self, states: Tensor, backwards: Tensor) -> Tensor:
        left, _ = self.forwards(states)
        right, _ = self.backwards(states.gather(1, backwards.expand(-1, -1, states.shape[2])))
        return torch.cat([left, right.gather(1, backwards.expand(-1, -1, right.shape[2]))], dim=-1)


class _TextDropout(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Drops the same features at all positions of a text (Gal and Ghahramani, 2016): (n, t, size) by (n, 1, size)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, hidden: Tensor) -> Tensor:
        if not self.training or self.share <= 0:
            return hidden
        kept = torch.rand(hidden.shape[0], 1, hidden.shape[2], device=hidden.device) >= self.share
        return hidden * (kept.to(hidden.dtype) / (1.0 - self.share))


def save_scratch(model: ScratchEncoder, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` for `load_scratch`."""
    from safetensors.torch import save_model

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": MODEL_TYPE, **asdict(model.config)}, indent=2))
    save_model(model, str(folder / "model.safetensors"))


def load_scratch(folder: Path, dropout: float) -> ScratchEncoder:
    """The encoder `save_scratch` wrote, with another dropout. Raises ModelError for one of an older make."""
    from safetensors.torch import load_model

    values = json.loads((folder / "config.json").read_text())
    if values.pop("model_type") != MODEL_TYPE:
        raise ModelError(f"The encoder in '{folder}' is of an older make. It can be served, not trained further.")
    model = ScratchEncoder(ScratchConfig(**{**values, "dropout": dropout}))
    load_model(model, str(folder / "model.safetensors"))
    return model
