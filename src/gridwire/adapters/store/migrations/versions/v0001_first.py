"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.create_table(
        "network",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "nodes",
        sa.Column("address", sa.String(45), primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    live = sa.text("state <> 'revoked'")
    op.create_index("one_live_node_per_name", "nodes", ["name"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_table(
        "keys",
        sa.Column("public_key", sa.String(44), primary_key=True),
        sa.Column("address", sa.String(45), sa.ForeignKey("nodes.address"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
    )
    op.create_table(
        "invitations",
        sa.Column("ephemeral_key", sa.String(44), sa.ForeignKey("keys.public_key"), primary_key=True),
        sa.Column("address", sa.String(45), sa.ForeignKey("nodes.address"), nullable=False, unique=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("redeemed_at", sa.BigInteger),
        sa.Column("redeemed_key", sa.String(44)),
        sa.Column("redeemed_revision", sa.Integer),
        sa.Column("closed_at", sa.BigInteger),
    )
    op.create_index("open_invitations", "invitations", ["expires_at"], sqlite_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "services",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "routes",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("one_route_per_host_and_path", "routes", ["host", "path"], unique=True)
    op.create_table(
        "policies",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "credentials",
        sa.Column("address", sa.String(45), sa.ForeignKey("nodes.address"), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_table(
        "revisions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
        sa.Column("fleet", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
