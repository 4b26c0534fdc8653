"""An exchange's operators and its parties, for tests of keys: they hold private halves and sign what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from shared.keys.directory import Directory, KeyEvent
from shared.keys.event_document import KeyEntryDocument, Mandate, NameDocument, Role, Use
from shared.keys.events import draft_event, encode_event, sign_event, verify_event
from shared.keys.possession import prove_keys
from shared.keys.private import (
    Ed25519Signer,
    MLDSA65Signer,
    PrivateKey,
    generate_ed25519,
    generate_mldsa65,
    generate_xwing,
)
from shared.keys.public import Ed25519Public

EXCHANGE = "comity.test/log"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
NAME = NameDocument(official="رئاسة النيابة العامة", languages={"fr": "Présidence du ministère public"})


def new_keys() -> dict[Use, PrivateKey]:
    return {
        "sign-ed25519": generate_ed25519(),
        "sign-mldsa65": generate_mldsa65(),
        "seal-xwing": generate_xwing(),
        "api-ed25519": generate_ed25519(),
    }


@dataclass
class PartyOnTest:
    """One party and the private halves that it holds now."""

    id: str
    keys: dict[Use, PrivateKey] = field(default_factory=new_keys)

    def entries(
        self, since: datetime = NOW, life: timedelta = YEAR, uses: Sequence[Use] | None = None
    ) -> tuple[KeyEntryDocument, ...]:
        chosen = {use: self.keys[use] for use in (uses or self.keys)}
        return prove_keys(self.id, chosen, since, since + life, self.signers() if "sign-ed25519" in self.keys else None)

    def signers(self) -> tuple[Ed25519Signer, MLDSA65Signer]:
        classical, lattice = self.keys["sign-ed25519"], self.keys["sign-mldsa65"]
        assert isinstance(classical, Ed25519Signer)
        assert isinstance(lattice, MLDSA65Signer)
        return classical, lattice

    def kid(self, use: Use) -> str:
        return self.keys[use].kid(self.id)

    def sign(self, event: bytes) -> bytes:
        """The signed document of a rotation."""
        return encode_event(event, [sign_event(event, signer, self.id) for signer in self.signers()])


@dataclass
class ExchangeOnTest:
    """Three operators, two of whom decide; and the directory so far."""

    operators: list[Ed25519Signer] = field(default_factory=lambda: [generate_ed25519() for _ in range(3)])
    directory: Directory = field(default_factory=lambda: Directory.empty(EXCHANGE))
    documents: list[bytes] = field(default_factory=list)

    @property
    def operator_keys(self) -> list[Ed25519Public]:
        return [operator.public_key() for operator in self.operators]

    def decide(self, event: bytes, signers: int = 2) -> bytes:
        """The document, signed by so many operators."""
        return encode_event(event, [sign_event(event, operator) for operator in self.operators[:signers]])

    def verify(self, document: bytes, quorum: int = 2) -> KeyEvent:
        return verify_event(document, self.operator_keys, quorum, self.directory)

    def admit(self, document: bytes) -> KeyEvent:
        event = self.verify(document)
        self.directory = self.directory.apply(event)
        self.documents.append(document)
        return event

    def draft_enrolment(
        self,
        party: PartyOnTest,
        *,
        role: Role = "authority",
        mandate: Mandate | None = None,
        at: datetime = NOW,
        keys: Sequence[KeyEntryDocument] | None = None,
    ) -> bytes:
        entries = party.entries(at) if keys is None else keys
        return draft_event(
            "enrol",
            self.directory,
            at,
            party.id,
            keys=entries,
            role=role,
            mandate=mandate,
            name=NAME,
            country=party.id[:2],
        )

    def enrol(self, party: str) -> PartyOnTest:
        new = PartyOnTest(party)
        self.admit(self.decide(self.draft_enrolment(new)))
        return new

    def enrol_auditor(self, party: str, mandate: Mandate = "full") -> PartyOnTest:
        new = PartyOnTest(party, {"api-ed25519": generate_ed25519()})
        self.admit(self.decide(self.draft_enrolment(new, role="auditor", mandate=mandate)))
        return new

    def suspend(self, party: PartyOnTest, at: datetime = NOW) -> None:
        self.admit(self.decide(draft_event("suspend", self.directory, at, party.id)))

    def reinstate(self, party: PartyOnTest, at: datetime = NOW) -> None:
        self.admit(self.decide(draft_event("reinstate", self.directory, at, party.id)))

    def recover(self, party: PartyOnTest, *uses: Use, at: datetime = NOW) -> PartyOnTest:
        """The operators give it new keys, in no ledger yet; the returned party holds them."""
        renewed = renew(party, *(uses or tuple(party.keys)))
        entries = renewed.entries(at, uses=uses or None)
        self.admit(self.decide(draft_event("recover", self.directory, at, party.id, keys=entries)))
        return renewed

    def log(self, at: datetime = NOW) -> None:
        """The ledger has the newest event."""
        self.directory = self.directory.logged(self.directory.index, at)

    def rotate(self, party: PartyOnTest, *uses: Use, at: datetime = NOW, since: datetime | None = None) -> PartyOnTest:
        """Renew these keys; the returned party holds the new ones, `party` still the old."""
        renewed = renew(party, *uses)
        event = draft_event("rotate", self.directory, at, party.id, keys=renewed.entries(since or at, uses=uses))
        self.admit(party.sign(event))
        return renewed


def renew(party: PartyOnTest, *uses: Use) -> PartyOnTest:
    fresh = new_keys()
    return replace(party, keys={**party.keys, **{use: fresh[use] for use in uses}})


def suspended_by_the_third() -> ExchangeOnTest:
    """Two parties, one of them suspended by the third event."""
    made = ExchangeOnTest()
    rabat = made.enrol("MA.PGR")
    made.enrol("BE.PF")
    made.suspend(rabat)
    return made
