"""The first schema: intake, routing, notification, directory, ledger, messaging, embedded bus."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.adapters.sql.types import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bus_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.String(length=16), nullable=True),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bus_message")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("bus_message", schema=None) as batch_op:
        batch_op.create_index("ix_bus_message_queue", ["queue", "leased_by", "deliveries"], unique=False)

    op.create_table(
        "claim",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("sender", sa.String(length=19), nullable=False),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_claim")),
    )
    op.create_table(
        "decision",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("sender", sa.String(length=19), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.Column("leaf_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message", "digest", name=op.f("pk_decision")),
    )
    op.create_table(
        "dossier",
        sa.Column("dossier", sa.String(length=36), nullable=False),
        sa.Column("requesting", sa.String(length=19), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("opening", sa.String(length=36), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("dossier", name=op.f("pk_dossier")),
    )
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dossier_requesting"), ["requesting"], unique=False)

    op.create_table(
        "envelope",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("dossier", sa.String(length=36), nullable=False),
        sa.Column("sender", sa.String(length=19), nullable=False),
        sa.Column("leg", sa.String(length=19), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("jws", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_envelope")),
    )
    with op.batch_alter_table("envelope", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_envelope_dossier"), ["dossier"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=19), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("leaf_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message", "kind", "recipient", name=op.f("pk_evidence")),
    )
    op.create_table(
        "feed_entry",
        sa.Column("authority", sa.String(length=19), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("dossier", sa.String(length=36), nullable=False),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("authority", "position", name=op.f("pk_feed_entry")),
    )
    op.create_table(
        "feed_head",
        sa.Column("authority", sa.String(length=19), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("authority", name=op.f("pk_feed_head")),
    )
    op.create_table(
        "instruments",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_instruments")),
    )
    op.create_table(
        "intake_dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item", sa.String(length=36), nullable=True),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_dead_letter")),
    )
    op.create_table(
        "intake_inbox",
        sa.Column("item", sa.String(length=36), nullable=False),
        sa.Column("claimed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_intake_inbox")),
    )
    with op.batch_alter_table("intake_inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_intake_inbox_claimed_at"), ["claimed_at"], unique=False)

    op.create_table(
        "intake_outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("relay_after", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_outbox")),
    )
    with op.batch_alter_table("intake_outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_intake_outbox_relay_after"), ["relay_after"], unique=False)

    op.create_table(
        "intake_parked",
        sa.Column("item", sa.String(length=36), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_intake_parked")),
    )
    with op.batch_alter_table("intake_parked", schema=None) as batch_op:
        batch_op.create_index("ix_intake_parked_due_at", ["due_at"], unique=False)

    op.create_table(
        "key_event",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_key_event")),
    )
    op.create_table(
        "leaf_waiting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaf_waiting")),
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("logged_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoint")),
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("logged_at", UtcTime(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_ledger_leaf")),
    )
    with op.batch_alter_table("ledger_leaf", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_leaf_leaf_digest"), ["leaf_digest"], unique=False)

    op.create_table(
        "ledger_note",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_note")),
    )
    op.create_table(
        "ledger_tile",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_ledger_tile")),
    )
    op.create_table(
        "leg",
        sa.Column("dossier", sa.String(length=36), nullable=False),
        sa.Column("requested", sa.String(length=19), nullable=False),
        sa.Column("requesting", sa.String(length=19), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("dossier", "requested", name=op.f("pk_leg")),
    )
    with op.batch_alter_table("leg", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leg_requested"), ["requested"], unique=False)

    op.create_table(
        "mailbox",
        sa.Column("reader", sa.String(length=19), nullable=False),
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("kid", sa.String(length=80), nullable=False),
        sa.Column("wrap", sa.LargeBinary(), nullable=False),
        sa.Column("delivered_at", UtcTime(), nullable=False),
        sa.Column("retrieved_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("reader", "message", name=op.f("pk_mailbox")),
    )
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailbox_message"), ["message"], unique=False)

    op.create_table(
        "notification_dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item", sa.String(length=36), nullable=True),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_dead_letter")),
    )
    op.create_table(
        "notification_inbox",
        sa.Column("item", sa.String(length=36), nullable=False),
        sa.Column("claimed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_notification_inbox")),
    )
    with op.batch_alter_table("notification_inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notification_inbox_claimed_at"), ["claimed_at"], unique=False)

    op.create_table(
        "notification_outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("relay_after", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_outbox")),
    )
    with op.batch_alter_table("notification_outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notification_outbox_relay_after"), ["relay_after"], unique=False)

    op.create_table(
        "notification_parked",
        sa.Column("item", sa.String(length=36), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_notification_parked")),
    )
    with op.batch_alter_table("notification_parked", schema=None) as batch_op:
        batch_op.create_index("ix_notification_parked_due_at", ["due_at"], unique=False)

    op.create_table(
        "part",
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_part")),
    )
    op.create_table(
        "part_chunk",
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "seq", name=op.f("pk_part_chunk")),
    )
    op.create_table(
        "routing_dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item", sa.String(length=36), nullable=True),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_dead_letter")),
    )
    op.create_table(
        "routing_inbox",
        sa.Column("item", sa.String(length=36), nullable=False),
        sa.Column("claimed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_routing_inbox")),
    )
    with op.batch_alter_table("routing_inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_routing_inbox_claimed_at"), ["claimed_at"], unique=False)

    op.create_table(
        "routing_outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("relay_after", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_outbox")),
    )
    with op.batch_alter_table("routing_outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_routing_outbox_relay_after"), ["relay_after"], unique=False)

    op.create_table(
        "routing_parked",
        sa.Column("item", sa.String(length=36), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_routing_parked")),
    )
    with op.batch_alter_table("routing_parked", schema=None) as batch_op:
        batch_op.create_index("ix_routing_parked_due_at", ["due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("routing_parked", schema=None) as batch_op:
        batch_op.drop_index("ix_routing_parked_due_at")

    op.drop_table("routing_parked")
    with op.batch_alter_table("routing_outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_routing_outbox_relay_after"))

    op.drop_table("routing_outbox")
    with op.batch_alter_table("routing_inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_routing_inbox_claimed_at"))

    op.drop_table("routing_inbox")
    op.drop_table("routing_dead_letter")
    op.drop_table("part_chunk")
    op.drop_table("part")
    with op.batch_alter_table("notification_parked", schema=None) as batch_op:
        batch_op.drop_index("ix_notification_parked_due_at")

    op.drop_table("notification_parked")
    with op.batch_alter_table("notification_outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notification_outbox_relay_after"))

    op.drop_table("notification_outbox")
    with op.batch_alter_table("notification_inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notification_inbox_claimed_at"))

    op.drop_table("notification_inbox")
    op.drop_table("notification_dead_letter")
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mailbox_message"))

    op.drop_table("mailbox")
    with op.batch_alter_table("leg", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leg_requested"))

    op.drop_table("leg")
    op.drop_table("ledger_tile")
    op.drop_table("ledger_note")
    with op.batch_alter_table("ledger_leaf", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_leaf_leaf_digest"))

    op.drop_table("ledger_leaf")
    op.drop_table("ledger_checkpoint")
    op.drop_table("leaf_waiting")
    op.drop_table("key_event")
    with op.batch_alter_table("intake_parked", schema=None) as batch_op:
        batch_op.drop_index("ix_intake_parked_due_at")

    op.drop_table("intake_parked")
    with op.batch_alter_table("intake_outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_intake_outbox_relay_after"))

    op.drop_table("intake_outbox")
    with op.batch_alter_table("intake_inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_intake_inbox_claimed_at"))

    op.drop_table("intake_inbox")
    op.drop_table("intake_dead_letter")
    op.drop_table("instruments")
    op.drop_table("feed_head")
    op.drop_table("feed_entry")
    op.drop_table("evidence")
    with op.batch_alter_table("envelope", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_envelope_dossier"))

    op.drop_table("envelope")
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dossier_requesting"))

    op.drop_table("dossier")
    op.drop_table("decision")
    op.drop_table("claim")
    with op.batch_alter_table("bus_message", schema=None) as batch_op:
        batch_op.drop_index("ix_bus_message_queue")

    op.drop_table("bus_message")
