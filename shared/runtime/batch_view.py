"""The rows of one batch, as its messages see them one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from shared.contracts.records import Key, Record
from shared.errors import StoreConflict
from shared.ports.unit_of_work import Effects

R = TypeVar("R", bound=Record)


class BatchView:
    """`ports.View`: what was loaded, overlaid with the effects of the batch's earlier messages."""

    def __init__(self, asked: Iterable[Key], loaded: Mapping[Key, Record]) -> None:
        self._asked = set(asked)
        self._rows = dict(loaded)

    def get(self, record: type[R], *key: Any) -> R | None:
        wanted = Key(record, key)
        row = self._rows.get(wanted)
        if row is None and wanted not in self._asked:
            raise LookupError(f"{record.__name__} {key} was not asked for: an unlocked row must not be decided on")
        return row

    def apply(self, effects: Effects) -> None:
        for record in (*effects.inserts, *effects.updates):
            self._rows[record.key()] = record


class BatchEffects:
    """The effects of a batch as one: a row that one message inserts and another updates is inserted as it ends.

    Two messages that insert the same row have not seen each other, as two replicas would not: the second is refused
    here, as the database would refuse it.
    """

    def __init__(self) -> None:
        self.total = Effects()
        self._inserted: dict[Key, Record] = {}
        self._updated: dict[Key, Record] = {}

    def add(self, effects: Effects) -> None:
        """Raises StoreConflict for a row that an earlier message of the batch inserts."""
        if any(record.key() in self._inserted for record in effects.inserts):
            raise StoreConflict()
        for record in effects.inserts:
            self._inserted[record.key()] = record
        for record in effects.updates:
            target = self._inserted if record.key() in self._inserted else self._updated
            target[record.key()] = record
        self.total.publishes += effects.publishes
        self.total.leaves += effects.leaves
        self.total.parts |= effects.parts
        self.total.wakes |= effects.wakes

    def merged(self) -> Effects:
        self.total.inserts = list(self._inserted.values())
        self.total.updates = list(self._updated.values())
        return self.total
