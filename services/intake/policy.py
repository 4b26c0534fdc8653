"""What intake decides, purely: is the envelope genuine and addressed soundly, and where does it move its legs?

The steps, in this order; the first that fails names the refusal:
 1. the sender is enrolled, an authority, and not suspended          message.unknown-sender
 2. so is every recipient                                            message.unknown-recipient
 3. the keys that it names do not wait after a recovery               message.key-waits
    the envelope verifies (`docs/spec/envelope.md`, steps 4 to 11)   envelope.*
 4. the id was not spent on other bytes                              message.id-reused
 5. profile, kind, act and parties are in form                       message.*
 6. it opens a new dossier, or moves a leg that is the sender's       dossier.*
The law warns and never refuses: `flags` goes into the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.domain.admissibility import flags_of
from shared.domain.dossier import decide_move, open_legs
from shared.domain.header import Header
from shared.domain.instruments import Registry
from shared.domain.leg import Leg
from shared.domain.routes import routes_of, terms_of
from shared.envelope.container import ReceivedEnvelope
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import VerifiedEnvelope, verify_envelope
from shared.errors import (
    DossierExists,
    DossierUnknown,
    EnvelopeKeyUnknown,
    EnvelopePartMismatch,
    MessageIdReused,
    RecipientUnknown,
    SenderUnknown,
)
from shared.keys.directory import Directory


@dataclass(frozen=True)
class Admission:
    """An accepted message: the legs as they are now, what the law had to say, and why it goes to each recipient."""

    legs: tuple[Leg, ...]
    flags: tuple[str, ...]
    routes: Mapping[str, str]
    opens_dossier: bool


def verify_sender(received: ReceivedEnvelope, exchange: str, directory: Directory, now: datetime) -> VerifiedEnvelope:
    """Steps 1 to 3. Raises the refusal of the first step that fails."""
    header = received.header
    if not _takes_part(directory, header.sender):
        raise SenderUnknown(sender=header.sender)
    for recipient in header.recipients:
        if not _takes_part(directory, recipient):
            raise RecipientUnknown(recipient=recipient)
    keys = valid_keys(received, directory, now)
    if not keys.signing:
        raise EnvelopeKeyUnknown(kid="of both algorithms", sender=header.sender)
    verified = verify_envelope(
        received, exchange=exchange, now=now, signing_keys=keys.signing, sealing_kids=keys.sealing
    )
    for part in verified.absent_parts:
        raise EnvelopePartMismatch(part=part.name)
    return verified


def check_id(message: str, digest: str, spent_on: str | None) -> None:
    """Step 4. `spent_on` is the digest that the id was spent on, None for a new id. Raises MessageIdReused."""
    if spent_on is not None and spent_on != digest:
        raise MessageIdReused(message=message)


def decide_admission(
    verified: VerifiedEnvelope,
    dossier_exists: bool,
    leg: Leg | None,
    registry: Registry | None,
    now: datetime,
    undelivered: str | None = None,
) -> Admission:
    """Steps 5 and 6, and the flags of the law. `leg` is the one that the header names, if it exists; `undelivered` the
    message of which the evidences say that it did not reach the requested party.

    Raises the refusal of the first step that fails.
    """
    header = verified.header
    if header.leg is None:
        legs = open_legs(header, verified.digest, now, *terms_of(header, registry, now))
        if dossier_exists:
            raise DossierExists(dossier=header.dossier)
        return _admission(header, legs, registry, now)
    if leg is None or leg.side_of(header.sender) is None:
        # Nobody learns from a refusal that a dossier of others exists.
        raise DossierUnknown(dossier=header.dossier, leg=header.leg)
    return _admission(header, [decide_move(leg, header, verified.digest, now, undelivered)], registry, now)


def _admission(header: Header, legs: Sequence[Leg], registry: Registry | None, now: datetime) -> Admission:
    routes = routes_of(header, legs, registry, now.astimezone(UTC).date())
    return Admission(tuple(legs), flags_of(header, legs, registry, now), routes, opens_dossier=header.leg is None)


def _takes_part(directory: Directory, party: str) -> bool:
    known = directory.party(party)
    return known is not None and not known.is_suspended and known.role == "authority"
