"""Documents keep their headings, chunks the section that they are from.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LONG_TEXT = (
    sa.Text()
    .with_variant(sa.Text(collation="C"), "postgresql")
    .with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql")
    .with_variant(mysql.LONGTEXT(collation="utf8mb4_nopad_bin"), "mariadb")
)


def upgrade() -> None:
    op.add_column("versions", sa.Column("headings", sa.JSON(), nullable=True))
    op.add_column("chunks", sa.Column("section", LONG_TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("chunks", "section")
    op.drop_column("versions", "headings")
