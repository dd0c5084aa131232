"""Learning the language beside the labels: the small encoder guesses words that were hidden from it.

Masked language modelling (Devlin et al., 2019), in the same pass as the sentiment of the text: so small an encoder
has room for both, and two passes would take twice as long.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reelsense.errors import ModelError
from reelsense.models.encoder import SentimentModel
from reelsense.models.scratch_encoder import HIDDEN, SPECIAL_TOKENS, ScratchEncoder

# Of the tokens of a text, where the recipe's dropout hides fewer.
_LEAST_HIDDEN = 0.15


class MaskedWords(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """ids and mask, int64 (n, t) -> log-odds of positive (n,), and the mean loss of the hidden tokens.

    `model` learns in it; what guesses the words is thrown away afterwards. Raises ModelError for another encoder than
    the small one: those of the Hub have learned their language.
    """

    def __init__(self, model: SentimentModel) -> None:
        super().__init__()
        core = model.core
        if not isinstance(core, ScratchEncoder):
            raise ModelError("training.masked_weight is for model.name=scratch; leave it 0 for other encoders.")
        self.model = model
        size = core.config.hidden
        self.hidden_share = max(_LEAST_HIDDEN, core.embeddings.token_dropout)
        self.shape = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.LayerNorm(size))
        self.bias = nn.Parameter(torch.zeros(core.config.vocabulary))

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        core = self.model.core
        # The first token stands for the text and is never hidden.
        hide = (torch.rand(ids.shape, device=ids.device) < self.hidden_share) & (mask == 1)
        hide[:, 0] = False
        states = core.states(ids.masked_fill(hide, SPECIAL_TOKENS.index(HIDDEN)), mask, hide_tokens=False)
        logits = core.answer(states, mask)
        odds = logits[:, 1] - logits[:, 0]
        if not bool(hide.any()):
            return odds, odds.sum() * 0
        # Words are guessed by the table that also reads them (Press and Wolf, 2017).
        guesses = self.shape(states[hide]) @ core.embeddings.tokens.weight.t() + self.bias
        return odds, nn.functional.cross_entropy(guesses, ids[hide])
