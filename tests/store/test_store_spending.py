"""What a day's calls cost: two at once never pass the limit together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from reelsense.store.database import Database, open_database
from reelsense.store.spending import Spending, give_back, reserve, spending_on

DAY = date(2026, 9, 2)


def test_reservations_at_once_never_pass_the_limit_and_add_up_exactly(db: Database, url: str) -> None:
    second = open_database(url)  # as another process has it

    def take(at: int) -> bool:
        with (db, second)[at % 2].begin() as connection:
            return reserve(connection, DAY, 0.1, 1.0)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(take, range(16))) == 10
    second.close()
    with db.begin() as connection:
        assert spending_on(connection, DAY) == Spending(1.0, 10)
        for _ in range(10):
            give_back(connection, DAY, 0.1)
        assert spending_on(connection, DAY) == Spending()
        assert spending_on(connection, date(2026, 9, 3)) == Spending()


def test_calls_of_unknown_price_are_counted_apart_and_large_sums_fit(db: Database) -> None:
    with db.begin() as connection:
        assert reserve(connection, DAY, None, 0.0)
        assert spending_on(connection, DAY) == Spending(0.0, 1, 1)
        give_back(connection, DAY, None)
        assert not reserve(connection, DAY, 0.000_001, 0.0)
        assert reserve(connection, DAY, 999_999.5, 1_000_000)
        assert spending_on(connection, DAY) == Spending(999_999.5, 1)


def test_a_day_that_is_refused_leaves_the_others_alone(db: Database) -> None:
    with db.begin() as connection:
        assert reserve(connection, DAY, 1.0, 1.0)
        assert not reserve(connection, DAY, 1.0, 1.0)
        assert reserve(connection, date(2026, 9, 3), 1.0, 1.0)
        assert reserve(connection, DAY, 1.0, None)
        assert spending_on(connection, DAY) == Spending(2.0, 2)
