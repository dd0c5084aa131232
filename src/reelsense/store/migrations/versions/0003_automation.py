"""When a review last changed; films to watch; notices to people."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reviews", sa.Column("changed_at", sa.DateTime(), nullable=True))
    # Left nullable: on SQLite the change would make the table anew, and dropping the old one drops its scores.
    op.execute("UPDATE reviews SET changed_at = crawled_at")
    op.create_index(op.f("ix_reviews_source_changed_at"), "reviews", ["source", "changed_at"])
    op.create_table(
        "watched_films",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("film_code", sa.String(length=80), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "film_code", name=op.f("pk_watched_films")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    op.create_index(op.f("ix_notices_state"), "notices", ["state"])


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("watched_films")
    op.drop_index(op.f("ix_reviews_source_changed_at"), table_name="reviews")
    op.drop_column("reviews", "changed_at")
