"""What the studio may spend a day: a call's price is reserved before it is made, and given back if it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, time, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reelsense.errors import RateLimited, StoreError
from reelsense.store.database import Database
from reelsense.store.spending import Spending, give_back, reserve, spending_on
from reelsense.studio.client import surely_free
from reelsense.studio.costs import Estimate
from reelsense.types import KST

log = structlog.get_logger()

# Around the call itself: raises RateLimited where the day's limit would be passed.
Pay = Callable[[Estimate], AbstractContextManager[None]]


def uncounted(_estimate: Estimate) -> AbstractContextManager[None]:
    """No limit, and nothing is written down."""
    return nullcontext()


def counted(db: Database, limit: float | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Pay:
    """Every call is added to its Korean day in the store, for all processes together; `limit` in dollars.

    What the provider did not do is given back. A call that timed out, or whose answer can't be used, stays counted,
    for the provider counts it, and so does one whose process died.
    """

    @contextmanager
    def pay(estimate: Estimate) -> Iterator[None]:
        moment = now().astimezone(KST)
        day, dollars = moment.date(), estimate.usd
        with db.begin() as connection:
            reserved = reserve(connection, day, dollars, limit)
            spent = None if reserved else spending_on(connection, day)
        if spent is not None:
            raise _beyond(spent, dollars or 0.0, limit or 0.0, moment)
        try:
            yield
        except BaseException as error:
            if surely_free(error):
                try:
                    with db.begin() as connection:
                        give_back(connection, day, dollars)
                except (StoreError, SQLAlchemyError):  # what went wrong with the call is what is told
                    log.exception("studio_price_not_given_back", day=day.isoformat(), dollars=dollars)
            raise

    return pay


def spent_today(db: Database, now: datetime) -> Spending:
    """Of the Korean day."""
    with db.connect() as connection:
        return spending_on(connection, now.astimezone(KST).date())


def _beyond(spent: Spending, dollars: float, limit: float, moment: datetime) -> RateLimited:
    free = datetime.combine(moment.date() + timedelta(days=1), time.min, KST)
    return RateLimited(
        f"오늘 쓸 수 있는 비용을 넘습니다: 하루 한도 ${limit:.2f}, 오늘 쓴 비용 ${spent.dollars:.4f}, 이 요청 "
        f"${dollars:.4f}. {free:%Y-%m-%d %H:%M}(한국 시간)부터 다시 됩니다. / The studio may spend ${limit:.2f} a day: "
        f"${spent.dollars:.4f} were spent today, and this call is about ${dollars:.4f}. It is free again at "
        f"{free:%Y-%m-%d %H:%M} Korean time (REELSENSE_STUDIO__DOLLARS_PER_DAY).",
        (free - moment).total_seconds(),
    )
