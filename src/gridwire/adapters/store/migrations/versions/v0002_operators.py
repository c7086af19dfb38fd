"""Persons: operators, their sessions, API tokens and second factors. Authors of 68 characters and more fit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("revisions", "author"), ("events", "actor")):
        with op.batch_alter_table(table) as batch:
            batch.alter_column(column, type_=sa.String(128), existing_type=sa.String(64), existing_nullable=False)
    op.create_table(
        "operators",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("may", sa.String(16), nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.Column("logged_in_at", sa.BigInteger),
        sa.Column("password", sa.String(255)),
        sa.Column("link_sha256", sa.String(64)),
        sa.Column("link_expires_at", sa.BigInteger),
        sa.Column("totp_sealed", sa.LargeBinary),
        sa.Column("totp_confirmed_at", sa.BigInteger),
        sa.Column("totp_step", sa.BigInteger),
        sa.Column("handle", sa.String(64), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("operator", sa.String(63), sa.ForeignKey("operators.name"), nullable=False),
        sa.Column("node", sa.String(63), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("shown", sa.String(16), nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_of_operator", "sessions", ["operator"])
    op.create_table(
        "tokens",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("operator", sa.String(63), sa.ForeignKey("operators.name"), nullable=False),
        sa.Column("label", sa.String(48), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_index("one_token_per_label", "tokens", ["operator", "label"], unique=True)
    op.create_table(
        "recovery_codes",
        sa.Column("operator", sa.String(63), sa.ForeignKey("operators.name"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("operator", sa.String(63), sa.ForeignKey("operators.name"), nullable=False),
        sa.Column("credential", sa.String(1400), nullable=False, unique=True),
        sa.Column("label", sa.String(48), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("signatures", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_index("passkeys_of_operator", "passkeys", ["operator"])
    op.create_table(
        "login_failures",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("address", sa.String(45), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
