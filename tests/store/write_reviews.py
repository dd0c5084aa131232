"""A writer in a process of its own: python write_reviews.py URL FIRST LAST [hold]."""

from __future__ import annotations

import sys
import time

from reelsense.store.database import open_database
from reelsense.store.reviews import upsert_reviews
from reelsense.types import Review

url, first, last, *hold = sys.argv[1:]
db = open_database(url)
numbers = range(int(first), int(last))
if hold:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("m", str(n), "f", "글") for n in numbers])
        print("written", flush=True)
        time.sleep(60)
for begin in range(numbers.start, numbers.stop, 50):
    with db.begin() as connection:
        upsert_reviews(connection, [Review("m", str(n), "f", "글") for n in range(begin, begin + 50)])
