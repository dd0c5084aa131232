"""The tables of the review store. Datetimes are stored as naive UTC and handed out aware."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in and out, UTC in between; SQLite has no time zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


# SQLite counts rows in INTEGER keys only.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

films = sa.Table(
    "films",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("code", sa.String(80), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    # Equal for one film under several sources.
    sa.Column("title_key", sa.Text, nullable=False, index=True),
    sa.Column("release_date", sa.Date),
    sa.Column("poster_url", sa.Text),
    sa.Column("directors", sa.JSON, nullable=False),
    sa.Column("cast", sa.JSON, nullable=False),
    sa.Column("genres", sa.JSON, nullable=False),
    sa.Column("runtime_minutes", sa.Integer),
    sa.Column("plot", sa.Text),
    sa.UniqueConstraint("source", "code"),
)

# No foreign key to films: a review may arrive before its film's details do, and must not be lost for that.
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("source_id", sa.String(120), nullable=False),
    sa.Column("film_code", sa.String(80), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("rating", sa.Float),
    sa.Column("liked", sa.Boolean),
    sa.Column("written_at", UtcDateTime),
    sa.Column("written_on", sa.Date),
    sa.Column("aspects", sa.JSON, nullable=False),
    sa.Column("spoiler", sa.Boolean, nullable=False),
    sa.Column("may_train", sa.Boolean, nullable=False),
    sa.Column("author_hash", sa.String(64)),
    sa.Column("crawled_at", UtcDateTime, nullable=False),
    # When it was first stored or last differed.
    sa.Column("changed_at", UtcDateTime),
    sa.UniqueConstraint("source", "source_id"),
    sa.Index(None, "source", "film_code"),
    sa.Index(None, "written_on"),
    sa.Index(None, "source", "changed_at"),
)

scores = sa.Table(
    "scores",
    metadata,
    sa.Column("review_id", Key, sa.ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("model_version", sa.String(80), primary_key=True),
    sa.Column("positive", sa.Float, nullable=False),
    sa.Column("scored_at", UtcDateTime, nullable=False),
    sa.Index(None, "model_version"),
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("review_id", Key, sa.ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("annotator", sa.String(80), primary_key=True),
    sa.Column("sentiment", sa.String(10), nullable=False),
    sa.Column("labelled_at", UtcDateTime, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("pipeline", sa.String(40), nullable=False),
    sa.Column("key", sa.String(250), nullable=False, unique=True),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Index(None, "pipeline", "started_at"),
)

rejects = sa.Table(
    "rejects",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("digest", sa.String(32), nullable=False, unique=True),
    sa.Column("source", sa.String(40), nullable=False, index=True),
    sa.Column("film_code", sa.String(80)),
    sa.Column("source_id", sa.String(120)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("run_id", Key),
    sa.Column("kept_at", UtcDateTime, nullable=False),
)

crawl_marks = sa.Table(
    "crawl_marks",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("film_code", sa.String(80), primary_key=True),
    sa.Column("complete_until", UtcDateTime, nullable=False),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("rate_per_second", sa.Float),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
)

# A row a Korean day: what calls to the model provider cost, in millionths of a dollar.
studio_spending = sa.Table(
    "studio_spending",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("microdollars", sa.BigInteger, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("unpriced", sa.Integer, nullable=False),
)

watched_films = sa.Table(
    "watched_films",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("film_code", sa.String(80), primary_key=True),
    sa.Column("added_at", UtcDateTime, nullable=False),
)

source_switches = sa.Table(
    "source_switches",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("key", sa.String(250), nullable=False, unique=True),
    sa.Column("topic", sa.String(40), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # as in store/notices.py
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),
    sa.Index(None, "state"),
)
