"""The recipe "scratch": a tokenizer and a small encoder made from the training texts alone, without any download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reelsense.errors import ModelError
from reelsense.models.scratch_encoder import FIRST, SPECIAL_TOKENS, UNKNOWN
from reelsense.text.clean import clean

VOCABULARY = 16_000
# Longer pieces are whole phrases of single reviews; shorter ones share more.
LONGEST_PIECE = 8
# Pieces of so many texts, evenly chosen, are those of all; more only take longer.
TEXTS_READ = 100_000


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Any:
    """A `tokenizers.Tokenizer` (Unigram, Kudo 2018) learned from training texts.

    It reads at least `TEXTS_READ` of them, and fewer than twice as many. Every character read is a piece of its own, so
    that only a character never read is unknown.
    Raises ModelError when there is nothing to learn from.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always"),
            # Runs of one kind apart: words, lone jamo (ㅋㅋ, ㅠㅠ), digits, and each other sign with its repeats.
            pre_tokenizers.Split(Regex(r"[ㄱ-ㅣ]+|[0-9]+|[^▁\p{L}\p{N}]+"), "isolated"),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        unk_token=UNKNOWN,
        max_piece_length=LONGEST_PIECE,
        show_progress=False,
    )
    step = max(1, len(texts) // TEXTS_READ)
    tokenizer.train_from_iterator((clean(text) for text in texts[::step]), trainer)
    if tokenizer.get_vocab_size() <= len(SPECIAL_TOKENS) + 1:
        raise ModelError("There are no training texts to learn a tokenizer from.")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A",
        special_tokens=[(FIRST, SPECIAL_TOKENS.index(FIRST))],
    )
    return tokenizer
