"""The first schema: films, reviews, scores, labels, runs, rejects, crawl marks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "crawl_marks",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("film_code", sa.String(length=80), nullable=False),
        sa.Column("complete_until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "film_code", name=op.f("pk_crawl_marks")),
    )
    op.create_table(
        "films",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("release_date", sa.Date(), nullable=True),
        sa.Column("poster_url", sa.Text(), nullable=True),
        sa.Column("directors", sa.JSON(), nullable=False),
        sa.Column("cast", sa.JSON(), nullable=False),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.Column("runtime_minutes", sa.Integer(), nullable=True),
        sa.Column("plot", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_films")),
        sa.UniqueConstraint("source", "code", name=op.f("uq_films_source_code")),
    )
    op.create_index(op.f("ix_films_title_key"), "films", ["title_key"], unique=False)
    op.create_table(
        "rejects",
        sa.Column("id", KEY, nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("film_code", sa.String(length=80), nullable=True),
        sa.Column("source_id", sa.String(length=120), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("run_id", KEY, nullable=True),
        sa.Column("kept_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejects")),
        sa.UniqueConstraint("digest", name=op.f("uq_rejects_digest")),
    )
    op.create_index(op.f("ix_rejects_source"), "rejects", ["source"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=120), nullable=False),
        sa.Column("film_code", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("rating", sa.Float(), nullable=True),
        sa.Column("liked", sa.Boolean(), nullable=True),
        sa.Column("written_at", sa.DateTime(), nullable=True),
        sa.Column("written_on", sa.Date(), nullable=True),
        sa.Column("aspects", sa.JSON(), nullable=False),
        sa.Column("spoiler", sa.Boolean(), nullable=False),
        sa.Column("may_train", sa.Boolean(), nullable=False),
        sa.Column("author_hash", sa.String(length=64), nullable=True),
        sa.Column("crawled_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_reviews_source_source_id")),
    )
    op.create_index(op.f("ix_reviews_source_film_code"), "reviews", ["source", "film_code"], unique=False)
    op.create_index(op.f("ix_reviews_written_on"), "reviews", ["written_on"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("pipeline", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("key", name=op.f("uq_runs_key")),
    )
    op.create_index(op.f("ix_runs_pipeline_started_at"), "runs", ["pipeline", "started_at"], unique=False)
    op.create_table(
        "labels",
        sa.Column("review_id", KEY, nullable=False),
        sa.Column("annotator", sa.String(length=80), nullable=False),
        sa.Column("sentiment", sa.String(length=10), nullable=False),
        sa.Column("labelled_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_labels_review_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("review_id", "annotator", name=op.f("pk_labels")),
    )
    op.create_table(
        "scores",
        sa.Column("review_id", KEY, nullable=False),
        sa.Column("model_version", sa.String(length=80), nullable=False),
        sa.Column("positive", sa.Float(), nullable=False),
        sa.Column("scored_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_scores_review_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("review_id", "model_version", name=op.f("pk_scores")),
    )
    op.create_index(op.f("ix_scores_model_version"), "scores", ["model_version"], unique=False)


def downgrade() -> None:
    for table in ("scores", "labels", "runs", "reviews", "rejects", "films", "crawl_marks"):
        op.drop_table(table)
