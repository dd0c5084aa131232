"""What the studio's calls have cost, by Korean day."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "studio_spending",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("microdollars", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_studio_spending")),
    )


def downgrade() -> None:
    op.drop_table("studio_spending")
