"""Being told: alerts that are open, where they are sent, what is not sent yet, and maintenance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "destinations",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("tried_at", sa.BigInteger),
        sa.Column("ok", sa.Boolean),
        sa.Column("outcome", sa.Text),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("destination", sa.String(63), sa.ForeignKey("destinations.name"), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("outbox_by_time", "outbox", ["due_at"])
    op.create_table(
        "windows",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
    )
