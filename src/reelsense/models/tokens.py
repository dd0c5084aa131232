"""From texts to token ids and padded batches: one way for training, scoring and serving.

Only the `tokenizers` package is used, never torch. Sampling (BPE dropout, n-best) does not exist here: the same text
always gives the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reelsense.errors import ModelError, installing
from reelsense.text.clean import clean

TOKENIZER_FILE = "tokenizer.json"


def open_tokenizer(folder: Path, max_length: int) -> Any:
    """The `tokenizers.Tokenizer` of a model folder's `tokenizer/`, cutting texts to `max_length` tokens.

    A review that says "[SEP]" stays text: special tokens are never read from the input. Raises ModelError.
    """
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise ModelError(f"'{path}' is missing: the model folder is incomplete. Export or train the model again.")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise ModelError(f"Transformers need the package 'tokenizers': {installing('onnx')}.") from None
    try:
        return prepared(Tokenizer.from_file(str(path)), max_length)
    except Exception as error:  # tokenizers raises bare Exception for a file it can't read.
        raise ModelError(f"'{path}' can't be read as a tokenizer ({error}). Export or train the model again.") from None


def prepared(tokenizer: Any, max_length: int) -> Any:
    """The same tokenizer, set to truncate at `max_length`, not to pad, and to take special tokens as plain text."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    tokenizer.encode_special_tokens = True
    return tokenizer


def token_ids(tokenizer: Any, texts: Sequence[str]) -> list[NDArray[np.int32]]:
    """Cleaned, tokenized and cut texts: one int32 array of ids each, special tokens included."""
    return encode(tokenizer, [clean(text) for text in texts])


def encode(tokenizer: Any, cleaned: Sequence[str]) -> list[NDArray[np.int32]]:
    """`token_ids` of texts that are cleaned already. Raises ModelError where the tokenizer has no id for a word."""
    try:
        return [np.array(one.ids, dtype=np.int32) for one in tokenizer.encode_batch_fast(list(cleaned))]
    except Exception as error:  # as above
        raise ModelError(f"The tokenizer can't be used ({error}). Export or train the model again.") from None


def pad(rows: Sequence[NDArray[np.int32]], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and attention mask, both int64 (n, longest row); padding on the right."""
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    return ids, mask


def batches_by_length(
    lengths: Sequence[int] | NDArray[np.integer], max_tokens: int, max_rows: int
) -> list[NDArray[np.int64]]:
    """Row numbers in batches of nearly equal length, shortest first.

    A batch holds at most `max_rows` rows and `max_tokens` tokens counted after padding, but always one row.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    batches: list[NDArray[np.int64]] = []
    start = 0
    for at in range(len(order)):
        rows = at - start + 1  # with row `at`, which is the longest so far
        if at > start and (rows > max_rows or rows * int(lengths[order[at]]) > max_tokens):
            batches.append(order[start:at])
            start = at
    if len(order) > start:
        batches.append(order[start:])
    return batches
