"""Putting together the proof bundle of one message, from the register and from what the exchange shows.

Rules:
1. Every entry is proven under one checkpoint, the newest, whose tree continues the one that was seen here before. The
   paths are made here, from tiles.
2. What the ledger has not placed yet is left out: the bundle made later proves more.
3. A bundle is verified as a stranger would verify it, before anybody gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from client.correspondence import Correspondence
from client.ledger_stamps import served_stamps, under
from client.opening import part_key
from client.proof_bundle import Bundle, DisclosedPart, PlacedEntry, StampedHead
from client.proof_claims import Proven
from client.proof_stamps import stamp_roots, verify_stamped_head
from client.proof_verification import verify_bundle
from shared.audit.proofs import parse_proof
from shared.audit.time_stamps import StampRoots
from shared.audit.tree import HashReader, prove_inclusion
from shared.audit.tree_head import TreeHead
from shared.contracts.api import EvidenceItem
from shared.envelope.container import parse_envelope
from shared.errors import NotInRegister, NotThere, ProofPartUnknown, ProofStampInvalid

_MOST_STAMPS: Final = 32
"""That are tried: of authorities whose roots are not here."""
_DECISIONS = ("submission-acceptance", "submission-rejection")


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle, what it proves, the sealed bytes to lie beside it, and how many evidences the ledger has not placed."""

    bundle: Bundle
    proven: Proven
    beside: Mapping[str, bytes]
    pending: int


def make_bundle(
    own: Correspondence,
    message: str,
    open_parts: Collection[str] = (),
    beside: bool = False,
    stamp: Callable[[TreeHead], bytes] | None = None,
    roots: StampRoots | None = None,
) -> Made:
    """With the keys of `open_parts`, and their sealed bytes unless those are to lie `beside` it; `stamp` has a
    time-stamp authority stamp the checkpoint. Without it the bundle takes the exchange's earliest stamp over a tree
    that holds the decision, if one verifies under the root certificates of the trust file and `roots`.

    Raises NotInRegister, ProofPartUnknown for a part that the message does not have, LedgerInvalid, what opening
    and calls raise, and the refusals of `verify_bundle` for what does not verify.
    """
    kept = own.register.message(message)
    if kept is None:
        raise NotInRegister(fragment=message)
    names = [one.name for one in parse_envelope(kept.jws).manifest.parts]
    for name in open_parts:
        if name not in names:
            raise ProofPartUnknown(message=message, part=name, parts=", ".join(names))
    items = _evidences(own, message)
    events = list(_key_events(own))
    checkpoint = own.ledger.believe(own.exchange.checkpoint())
    size = checkpoint.head.size
    reader = own.ledger.reader(size)
    placed = [(item.kind, _entry(item.proof, size, reader)) for item in items if item.proof is not None]
    found = [(kind, entry) for kind, entry in placed if entry is not None]
    key_events = [entry for proof in events if (entry := _entry(proof, size, reader)) is not None]
    decision = next((entry for kind, entry in found if kind in _DECISIONS), None)
    parts, sealed = _disclose(own, message, [name for name in names if name in open_parts], beside)
    bundle = Bundle(
        origin=own.trust.origin,
        jws=kept.jws,
        receipt=own.register.receipt(message),
        checkpoint=checkpoint.note,
        key_events=_in_order(key_events),
        decision=decision,
        evidences=_in_order([entry for kind, entry in found if kind not in _DECISIONS]),
        parts=parts,
        time_stamp=(
            _kept_stamp(own, decision, checkpoint.head, reader, stamp_roots(own.trust, roots))
            if stamp is None
            else StampedHead(size, checkpoint.head.root, (), stamp(checkpoint.head))
        ),
    )
    return Made(bundle, verify_bundle(bundle, own.trust, sealed, roots), sealed, len(items) - len(found))


def _kept_stamp(
    own: Correspondence, decision: PlacedEntry | None, head: TreeHead, reader: HashReader, roots: StampRoots | None
) -> StampedHead | None:
    """One that nobody could judge, or that does not verify, stays out: with it the bundle might not verify."""
    if decision is None or roots is None:
        return None
    for one in islice(served_stamps(own.exchange, decision.index + 1), _MOST_STAMPS):
        if one.size > head.size:
            break
        try:
            stamped = under(one, head, reader)
            verify_stamped_head(stamped, head, roots)
        except ProofStampInvalid:
            continue
        return stamped
    return None


def _evidences(own: Correspondence, message: str) -> tuple[EvidenceItem, ...]:
    try:
        return own.exchange.evidences(message).items
    except NotThere:
        return ()  # nothing is decided yet; the receipt is what there is, and it may be what is needed


def _key_events(own: Correspondence) -> Iterator[str]:
    """The proofs of all events that stand in the ledger, from the first on."""
    after = 0
    while places := own.exchange.key_event_places(after):
        for place in places:
            if place.proof is None or place.seq != after + 1:
                return
            yield place.proof
            after = place.seq


def _entry(proof: str, size: int, reader: HashReader) -> PlacedEntry | None:
    """The entry that this tlog-proof carries, under the one checkpoint; None where that does not reach so far."""
    carried = parse_proof(proof.encode())
    if carried.index >= size:
        return None
    return PlacedEntry(carried.index, tuple(prove_inclusion(carried.index, size, reader)), carried.extra)


def _in_order(entries: list[PlacedEntry]) -> tuple[PlacedEntry, ...]:
    return tuple(sorted(entries, key=lambda one: one.index))


def _disclose(
    own: Correspondence, message: str, names: list[str], beside: bool
) -> tuple[tuple[DisclosedPart, ...], dict[str, bytes]]:
    if not names:
        return (), {}
    opened = own.mailbox.open(message)
    sealed = {name: opened.verified.parts[name] for name in names}
    parts = tuple(DisclosedPart(name, part_key(opened, name), None if beside else sealed[name]) for name in names)
    return parts, sealed if beside else {}
