"""Character n-grams of many texts at once, hashed into buckets with vectorised integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A polynomial over code points modulo 2^32, then the finalizer of MurmurHash3 so that high bits depend on all of it.
_POLYNOMIAL = np.uint32(0x9E3779B1)
_MIX_1 = np.uint32(0x85EBCA6B)
_MIX_2 = np.uint32(0xC2B2AE35)


class Characters(NamedTuple):
    """Texts as one array of code points, a blank before and after each text.

    `codes` (m,) uint32; text i is `codes[begins[i] : begins[i] + sizes[i]]`.
    """

    codes: NDArray[np.uint32]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]


def characters(texts: Sequence[str]) -> Characters:
    """Lay texts out for `ngrams`; they are taken as they are, so clean them first."""
    padded = [f" {text} " for text in texts]
    sizes = np.fromiter(map(len, padded), dtype=np.int64, count=len(padded))
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return Characters(codes, np.cumsum(sizes) - sizes, sizes)


def ngrams(chars: Characters, longest: int, bits: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.bool_]]]:
    """For each length 1 … `longest`: the length, the bucket (of 2^bits) of the n-gram that begins at each code point,
    and whether it ends inside its text. Both arrays have the shape of `chars.codes`.
    """
    codes = chars.codes
    ends = np.repeat(chars.begins + chars.sizes, chars.sizes)
    room = (ends - np.arange(len(codes))).astype(np.int32)  # characters from here to the end of the text
    rolling = np.zeros(len(codes), dtype=np.uint32)
    for length in range(1, min(longest, len(codes)) + 1):
        rolling = rolling * _POLYNOMIAL + np.uint32(1)
        rolling[: len(codes) - length + 1] += codes[length - 1 :]
        mixed = rolling ^ np.uint32(length * 0x9E3779B9 & 0xFFFFFFFF)
        mixed ^= mixed >> np.uint32(16)
        mixed *= _MIX_1
        mixed ^= mixed >> np.uint32(13)
        mixed *= _MIX_2
        yield length, mixed >> np.uint32(32 - bits), room >= length


def ngram_counts(chars: Characters, longest: int) -> NDArray[np.int64]:
    """(n,) how many n-grams of length 1 … `longest` each text has; at least 3 for an empty one (its two blanks)."""
    lengths = np.arange(1, longest + 1)
    counts: NDArray[np.int64] = np.maximum(chars.sizes[:, None] - lengths + 1, 0).sum(axis=1)
    return counts
