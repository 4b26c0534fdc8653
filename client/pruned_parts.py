"""The sealed parts of a message, and what is believed when the exchange says that it removed them by its policy.

Rules:
1. What was sent from here is opened from the own copy, if the parts went with the message.
2. That they were removed is believed by the entry that says so (docs/spec/leaves.md, `exchange.parts-pruned`): proven
   to stand in the ledger, of this message and its dossier, with the times and the policy that were told, and not before
   the policy's days were over. That the dossier was closed then is for auditors to judge, who see all of it.
3. An entry may be an hour on its way. Whoever was told first that parts are gone remembers when; an hour later it asks
   for the proof, so that saying it anew each time gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from client.exchange import Exchange
from client.ledger_view import LedgerView
from client.register import Register
from shared.apisig.receipts import MERGE_DELAY
from shared.audit.leaves import Leaf
from shared.domain.header import Header
from shared.domain.ids import encode_time, parse_time
from shared.envelope.container import parse_submission
from shared.errors import EvidenceInvalid, LedgerInvalid, NotInRegister, PartPruned


class SealedParts:
    """Of messages that this authority sent or got."""

    def __init__(
        self, exchange: Exchange, register: Register, ledger: LedgerView, clock: Callable[[], datetime]
    ) -> None:
        self._exchange = exchange
        self._register = register
        self._ledger = ledger
        self._clock = clock

    def fetch(self, header: Header, sizes: Mapping[str, int]) -> Mapping[str, bytes]:
        """By name. Raises PartPruned where that is proven, EvidenceInvalid where it is not."""
        try:
            return {name: self._exchange.part(header.id, name, size) for name, size in sizes.items()}
        except PartPruned as gone:
            try:
                sent = parse_submission(self._register.submission(header.id).container).parts
            except NotInRegister:
                sent = {}
            if sent.keys() != sizes.keys():
                self._require_proof(header, gone)
                raise
            return sent

    def _require_proof(self, header: Header, gone: PartPruned) -> None:
        proof = gone.facts.get("proof")
        try:
            why = self._why_unproven(header) if proof is None else self._why_not(header, gone, str(proof))
        except (LedgerInvalid, ValueError) as broken:
            why = str(broken)
        if why is not None:
            raise EvidenceInvalid(what=f"the removal of the sealed parts of {header.id}", why=why)

    def _why_not(self, header: Header, gone: PartPruned, proof: str) -> str | None:
        leaf = self._ledger.prove(proof).leaf
        if leaf.type != "exchange.parts-pruned":
            return f"the entry is a {leaf.type}"
        if (leaf.fields["message"], leaf.fields["dossier"]) != (header.id, header.dossier):
            return "the entry is about another message"
        logged = _told(leaf)
        if logged != {name: str(gone.facts.get(name)) for name in logged}:
            return "the entry has other times, or another policy, than those that were told"
        if leaf.at - parse_time(leaf.fields["closed_at"]) < timedelta(days=leaf.fields["kept_days"]):
            return f"they were removed before {leaf.fields['kept_days']} days were over"
        return None

    def _why_unproven(self, header: Header) -> str | None:
        """Rule 3."""
        name, now = f"parts-gone {header.id}", self._clock()
        since = self._register.fact(name)
        if since is None:
            self._register.note_fact(name, encode_time(now))
        elif now - parse_time(since) > MERGE_DELAY:
            return f"it was said at {since}, and no entry of the ledger says so to this day"
        return None


def _told(leaf: Leaf) -> dict[str, str]:
    fields = leaf.fields
    return {
        "pruned_at": encode_time(leaf.at),
        "closed_at": str(fields["closed_at"]),
        "kept_days": str(fields["kept_days"]),
    }
