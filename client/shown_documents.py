"""What the exchange shows of the operators' documents, held against the ledger: key events, registry of instruments.

Every client verifies these by the operators' signatures. That a document which they signed stands in the ledger, too,
and that none which stands there is kept back, is for an auditor to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from client.audit_memory import AuditMemory
from client.leg_differences import ShownOtherwise
from shared.domain.strict_json import encode_canonical_json


def documents_otherwise(events: Sequence[str], registry: bytes | None, memory: AuditMemory) -> Iterator[ShownOtherwise]:
    """`events` and `registry` are what the exchange shows now; the ledger was read to its end."""
    leaves = [logged.leaf for logged in memory.documents()]
    logged = [encode_canonical_json(leaf.fields["event"]) for leaf in leaves if leaf.type == "directory.key-event"]
    shown = [event.encode() for event in events]
    for seq, (here, there) in enumerate(zip_longest(shown, logged), start=1):
        if here != there:
            yield _otherwise(f"key event {seq} is {_how(here, there)}")
            break
    published = [leaf.fields for leaf in leaves if leaf.type == "directory.instruments"]
    newest = published[-1].get("document") if published else None
    if published and newest is None:
        return  # too large for an entry: clients hold its digest against the operators' signatures
    there = None if newest is None else encode_canonical_json(newest)
    if registry != there:
        yield _otherwise(f"the registry of instruments is {_how(registry, there)}")


def _how(here: bytes | None, there: bytes | None) -> str:
    if here is None:
        return "in the ledger and is not shown"
    return "shown and is not in the ledger" if there is None else "shown as another one than that in the ledger"


def _otherwise(why: str) -> ShownOtherwise:
    return ShownOtherwise(None, None, why)
