"""A writer that rewrites the same reviews, shuffled, again and again: python write_rounds.py URL NAME SIZE ROUNDS.

Every round is one transaction that gives all reviews one text, and another that scores them.
"""

from __future__ import annotations

import random
import sys

from reelsense.store.database import open_database
from reelsense.store.reviews import iter_reviews, upsert_reviews
from reelsense.store.scores import upsert_scores
from reelsense.types import Review, Score

url, name, size, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
db = open_database(url)
for number in range(rounds):
    texts = [Review("m", str(n), "f", f"{name} {number}", author_hash=name) for n in range(size)]
    random.shuffle(texts)
    with db.begin() as connection:
        upsert_reviews(connection, texts)
    with db.begin() as connection:
        ids = [row.id for row in iter_reviews(connection)]
        random.shuffle(ids)
        upsert_scores(connection, [Score(n, "1", random.random()) for n in ids])
    print(number, flush=True)
db.close()
