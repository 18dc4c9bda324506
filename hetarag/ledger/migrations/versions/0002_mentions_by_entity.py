"""Mentions of an entity are counted from their index alone.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The new one first: MariaDB wants an index behind the foreign key at every moment.
    op.create_index(
        "ix_mentions_entity_chunk_sentence", "mentions", ["entity", "chunk", "sentence"]
    )
    op.drop_index("ix_mentions_entity", table_name="mentions")


def downgrade() -> None:
    op.create_index("ix_mentions_entity", "mentions", ["entity"])
    op.drop_index("ix_mentions_entity_chunk_sentence", table_name="mentions")
