"""What a verified proof bundle proves: plain values, made by `proof_verification` alone.

Times say whose word they are: `logged_at` and an evidence's `at` are the exchange's, `sent_at` is the sender's, a
cosigned or stamped time is that of somebody who is neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.apisig.receipts import Receipt
from shared.audit.tree_head import TreeHead
from shared.domain.header import Header
from shared.texts.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Step:
    """One check that was made and held, by its number in `docs/spec/proof-bundle.md`."""

    number: int
    found: Sentence


@dataclass(frozen=True, slots=True)
class ProvenDecision:
    """`code` is why it was rejected, None when it was accepted."""

    index: int
    at: datetime
    logged_at: datetime
    directory_index: int
    code: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProvenEvidence:
    """`asked_at` is the time in the recipient's own signed request, for a retrieval."""

    kind: str
    recipient: str
    index: int
    at: datetime
    logged_at: datetime
    code: str | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Somebody outside the exchange saw the ledger of `size` entries at `at`: a witness, or a time-stamp authority."""

    who: Sentence
    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class ProvenDocument:
    """One disclosed part, opened. `name` and `media_type` are known when the body is disclosed too."""

    part: str
    data: bytes = field(repr=False)
    name: str | None = None
    media_type: str | None = None

    @property
    def sha256(self) -> str:
        """Of the document itself, in hex: what any machine's tools print."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Proven:
    header: Header
    digest: str
    signers: tuple[str, str] | None
    """The kids under which both signatures hold; None in a message that was rejected for its signatures or keys."""
    decision: ProvenDecision | None
    receipt: Receipt | None
    evidences: tuple[ProvenEvidence, ...]
    documents: tuple[ProvenDocument, ...]
    sealed_parts: tuple[str, ...]
    """Parts that stay sealed."""
    names: Mapping[str, str]
    """Official names of the sender and the recipients, as the operators enrolled them."""
    head: TreeHead
    witnessed: tuple[Witnessed, ...]
    key_events: int
    keys_known_at: datetime | None
    """When the last key event of the bundle was logged."""
    recovered_at: datetime | None
    """When the operators gave the sender the keys that signed, if its old keys did not sign for them."""
    doubts: tuple[Sentence, ...]
    """Why the signatures may be of another hand than the sender's."""
    steps: tuple[Step, ...]

    @property
    def is_sender_proven(self) -> bool:
        return self.signers is not None and not self.doubts

    @property
    def existed_by(self) -> Witnessed | None:
        """The earliest outside word that covers the decision."""
        if self.decision is None:
            return None
        covering = [one for one in self.witnessed if one.size > self.decision.index]
        return min(covering, key=lambda one: one.at, default=None)
