"""Training batches hold every text once, in like lengths, in an order that depends on seed and epoch alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelsense.training.batches import epoch_batches, padding_share

LENGTHS = np.random.default_rng(7).geometric(1 / 18, 5000).clip(3, 64)


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=400), batch_size=st.integers(1, 40))
def test_every_text_is_in_exactly_one_batch(lengths: list[int], batch_size: int) -> None:
    batches = epoch_batches(np.array(lengths), batch_size, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in batches)


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    once, again = (epoch_batches(LENGTHS, 32, seed=5, epoch=2) for _ in range(2))
    assert [batch.tolist() for batch in once] == [batch.tolist() for batch in again]


@pytest.mark.parametrize(("seed", "epoch"), [(5, 3), (6, 2)])
def test_another_seed_or_epoch_gives_another_order(seed: int, epoch: int) -> None:
    once, other = epoch_batches(LENGTHS, 32, seed=5, epoch=2), epoch_batches(LENGTHS, 32, seed=seed, epoch=epoch)
    assert [batch.tolist() for batch in once] != [batch.tolist() for batch in other]


def test_bucketing_leaves_less_than_a_tenth_of_padding_where_random_batches_have_most() -> None:
    order = np.random.default_rng(0).permutation(len(LENGTHS))
    random = [order[start : start + 32] for start in range(0, len(order), 32)]
    assert padding_share(random, LENGTHS) > 0.5
    assert padding_share(epoch_batches(LENGTHS, 32, seed=5, epoch=0), LENGTHS) < 0.1


def test_batches_do_not_come_in_order_of_length() -> None:
    longest = [LENGTHS[batch].max() for batch in epoch_batches(LENGTHS, 32, seed=5, epoch=0)]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)
