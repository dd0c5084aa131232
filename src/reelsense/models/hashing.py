"""Character n-grams of many texts at once, hashed into buckets with vectorised integer arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
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


def ngrams(chars: Characters, longest: int, bits: int) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """The bucket (of 2^bits) of each n-gram, and whether it ends inside its text; both (longest, len(chars.codes)).

    Row n - 1 holds the n-grams of n characters, column i those that begin at code point i. All lengths are made at
    once: for a few texts, as a service scores them, the number of numpy's calls is what costs.
    """
    codes = chars.codes
    size = len(codes)
    following = np.ones(size + longest - 1, dtype=np.uint32)
    following[:size] += codes
    hashes = np.empty((longest, size), dtype=np.uint32)
    rolling = hashes[0]
    rolling[:] = following[:size]
    for at in range(1, longest):
        np.multiply(rolling, _POLYNOMIAL, out=hashes[at])
        rolling = hashes[at]
        rolling += following[at : at + size]
    lengths = np.arange(1, longest + 1)
    hashes ^= (lengths * 0x9E3779B9 & 0xFFFFFFFF).astype(np.uint32)[:, None]
    hashes ^= hashes >> np.uint32(16)
    hashes *= _MIX_1
    hashes ^= hashes >> np.uint32(13)
    hashes *= _MIX_2
    hashes >>= np.uint32(32 - bits)
    room = np.repeat(chars.begins + chars.sizes, chars.sizes) - np.arange(size)  # characters to the end of the text
    return hashes, room >= lengths[:, None]


def ngram_counts(chars: Characters, longest: int) -> NDArray[np.int64]:
    """(n,) how many n-grams of length 1 … `longest` each text has; at least 3 for an empty one (its two blanks)."""
    lengths = np.arange(1, longest + 1)
    counts: NDArray[np.int64] = np.maximum(chars.sizes[:, None] - lengths + 1, 0).sum(axis=1)
    return counts
