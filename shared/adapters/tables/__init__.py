"""Every table, one module per writing service; importing this package fills `METADATA`."""

from sqlmodel import SQLModel

METADATA = SQLModel.metadata
# Constraints get the same names on both dialects, or migrations could not drop them again. Set before any table exists.
METADATA.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

from shared.adapters.tables import bus, directory, intake, ledger, messaging, notification, routing  # noqa: E402

__all__ = ["METADATA", "bus", "directory", "intake", "ledger", "messaging", "notification", "routing"]
