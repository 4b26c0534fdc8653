"""Which keys an envelope may be signed with and sealed to, by one snapshot of the directory at one time.

Rules:
1. Of the sender's signing keys those count that the directory accepts: the newest, and for the overlap of a rotation
   the one before it. Both algorithms must have one.
   A recovered key counts when its wait is over (`shared.keys.waiting`); before, it is refused by name.
2. An envelope is sealed to one key of each reader: to the one that counts, or in that overlap to the one before it.
   Which of them, its manifest says.

Intake, recipients and auditors all judge by this, so that they agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.envelope.container import ReceivedEnvelope
from shared.errors import SenderKeyWaits
from shared.keys.directory import Directory
from shared.keys.public import Ed25519Public, MLDSA65Public
from shared.keys.waiting import told_end


@dataclass(frozen=True, slots=True)
class ValidKeys:
    """What `verify_envelope` is given: kid → signing key, and each reader → the kid that it is sealed to.

    `signing` is empty when the sender has not both signing keys.
    """

    signing: Mapping[str, Ed25519Public | MLDSA65Public]
    sealing: Mapping[str, str]


def valid_keys(received: ReceivedEnvelope, directory: Directory, at: datetime) -> ValidKeys:
    """Raises SenderKeyWaits for an envelope that names a key of its sender which waits."""
    header = received.header
    for signature in received.jws.signatures:
        until = directory.waits_until(signature.kid, at)
        if until is not None and directory.owner_of(signature.kid) == header.sender:
            raise SenderKeyWaits(kid=signature.kid, sender=header.sender, usable_from=told_end(until))
    classical = directory.accepted(header.sender, "sign-ed25519", at)
    lattice = directory.accepted(header.sender, "sign-mldsa65", at)
    both = (*classical, *lattice) if classical and lattice else ()
    signing = {key.kid: key.public for key in both if isinstance(key.public, Ed25519Public | MLDSA65Public)}
    sealing = {}
    for reader in (*header.recipients, header.sender):
        accepted = directory.accepted(reader, "seal-xwing", at)
        if len(accepted) == 1:
            sealing[reader] = accepted[0].kid
        elif accepted:
            named = {recipient.kid for recipient in received.manifest.recipients}
            sealing[reader] = next((key.kid for key in accepted if key.kid in named), accepted[0].kid)
    return ValidKeys(signing, sealing)
