"""The small encoder that is trained from nothing, as a torch module, and its files.

Each position knows its token and, by a hashed table, the pair it makes with the token before it (hashed n-gram
embeddings, as in Pagnoni et al., 2024, "Byte Latent Transformer"); pre-norm self-attention layers (Xiong et al., 2020)
follow, which see each position's neighbours by a short convolution; mean and maximum over the positions make the
answer. Chosen for CPUs: ReLU and one dropout mask a text (Gal and Ghahramani, 2016) cost a tenth of GELU and of a mask
for each number, which together took most of the time of training.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from reelsense.errors import ModelError

SCRATCH = "reelsense-scratch"
# The number changes with the weights' names and meaning.
MODEL_TYPE = f"{SCRATCH}-2"
PAD, UNKNOWN, FIRST, HIDDEN = "[PAD]", "[UNK]", "[CLS]", "[MASK]"
# The tokenizer gives them the ids 0 to 3 in this order.
SPECIAL_TOKENS = (PAD, UNKNOWN, FIRST, HIDDEN)
# A large odd multiplier spreads pairs over the table (Knuth's multiplicative hashing).
PAIR_MULTIPLIER = 2_654_435_761


@dataclass(frozen=True, slots=True)
class ScratchConfig:
    """Sizes of the small encoder. `token_dropout` is the share of tokens hidden from it while it learns."""

    vocabulary: int = 12_000
    hidden: int = 128
    layers: int = 2
    heads: int = 4
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
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.hidden)
        self.head = nn.Linear(2 * config.hidden, 2)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.answer(self.states(ids, mask), mask)

    def states(self, ids: Tensor, mask: Tensor, hide_tokens: bool = True) -> Tensor:
        """What each position has come to mean, (n, t, hidden); while learning some tokens are hidden from it."""
        seen = mask.unsqueeze(-1).to(self.norm.weight.dtype)  # (n, t, 1)
        hidden = self.embeddings(ids, hide_tokens)
        blocked = (1.0 - seen.squeeze(-1))[:, None, None, :] * -1e4  # added to attention scores
        for layer in self.layers:
            hidden = layer(hidden, seen, blocked)
        normed: Tensor = self.norm(hidden)
        return normed

    def answer(self, states: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, 2) from `states`."""
        seen = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * seen).sum(1) / seen.sum(1)
        highest = (states + (seen - 1.0) * 1e4).amax(1)
        logits: Tensor = self.head(self.dropout(torch.cat([mean, highest], dim=-1)))
        return logits


class _Embeddings(nn.Module):  # type: ignore[misc]  # torch is untyped here
    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.buckets = config.pair_buckets
        self.token_dropout = config.token_dropout
        self.tokens = nn.Embedding(config.vocabulary, config.hidden)
        self.positions = nn.Embedding(config.max_length, config.hidden)
        self.pairs = nn.Embedding(config.pair_buckets, config.pair_size)
        self.mix = nn.Linear(config.pair_size, config.hidden, bias=False)
        self.dropout = _TextDropout(config.dropout)
        for table in (self.tokens, self.pairs):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.normal_(self.positions.weight, std=0.02)

    def forward(self, ids: Tensor, hide_tokens: bool) -> Tensor:
        if hide_tokens and self.training and self.token_dropout > 0:
            # Hidden tokens hide their pairs too.
            hidden = torch.rand(ids.shape, device=ids.device) < self.token_dropout
            ids = ids.masked_fill(hidden, SPECIAL_TOKENS.index(HIDDEN))
        before = torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], dim=1)
        pair = torch.remainder((before * 31_337 + ids) * PAIR_MULTIPLIER // 65_536, self.buckets)
        places = torch.arange(ids.shape[1], device=ids.device)
        total = self.tokens(ids) + self.mix(self.pairs(pair)) + self.positions(places)
        out: Tensor = self.dropout(total)
        return out


class _Layer(nn.Module):  # type: ignore[misc]  # torch is untyped here
    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.before_attention = nn.LayerNorm(config.hidden)
        # Shares of the position before, of the position itself beyond its own, and of the next; nothing at first.
        self.neighbours = nn.Parameter(torch.zeros(3, config.hidden))
        self.qkv = nn.Linear(config.hidden, 3 * config.hidden)
        self.out = nn.Linear(config.hidden, config.hidden)
        self.before_mlp = nn.LayerNorm(config.hidden)
        self.up = nn.Linear(config.hidden, 4 * config.hidden)
        self.down = nn.Linear(4 * config.hidden, config.hidden)
        self.dropout = _TextDropout(config.dropout)

    def forward(self, hidden: Tensor, seen: Tensor, blocked: Tensor) -> Tensor:
        n, t, size = hidden.shape
        normed = self.before_attention(hidden) * seen
        left = nn.functional.pad(normed, (0, 0, 1, 0))[:, :-1]
        right = nn.functional.pad(normed, (0, 0, 0, 1))[:, 1:]
        normed = normed * (1 + self.neighbours[1]) + left * self.neighbours[0] + right * self.neighbours[2]
        parts = self.qkv(normed).view(n, t, 3, self.heads, size // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # each (n, heads, t, size / heads)
        scores = query @ key.transpose(-1, -2) / math.sqrt(size // self.heads) + blocked
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(n, t, size)
        hidden = hidden + self.dropout(self.out(mixed))
        wide = nn.functional.relu(self.up(self.before_mlp(hidden)))
        return hidden + self.dropout(self.down(wide))


class _TextDropout(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Drops the same features at all positions of a text: (n, t, size) by a mask of (n, 1, size)."""

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
