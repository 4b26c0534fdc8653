"""Is this envelope what its sender signed, for this exchange, now? The argument, step by step.

The numbers are those of `docs/spec/envelope.md`, each with the codes it can end in:

 1. form: bounds, strict JSON, closed objects, canonical base64url (`malformed`, `too-large`, `unknown-field`,
    `lives-too-long`)
 2. exactly two signatures, Ed25519 then ML-DSA-65, protected {alg, kid, typ} alone (`signature-missing`, `downgraded`)
 3. the header asks for this suite and for both signatures (`downgraded`)
 4. both keys belong to header.sender and are among the keys passed in (`key-foreign`, `key-unknown`)
 5. the Ed25519 signature (`signature-invalid`)
 6. the ML-DSA-65 signature (`signature-invalid`)
 7. the exchange (`wrong-exchange`)
 8. not expired, not from the future (`expired`, `future-dated`)
 9. sealed to the current keys of the recipients and of the sender, and to no other (`recipients-mismatch`)
10. the wraps are those of the manifest (`wrap-mismatch`)
11. the parts are those of the manifest (`part-mismatch`)

Rules:
1. Steps 1 to 3 are the parsing (`container.py`, `jws.py`, `manifest.py`, `domain/header.py`); 4 to 6 are
   `verify_signatures`, which needs the JWS alone, the arithmetic of 5 and 6 `signed_text.py`; 7 to 11 follow the
   signatures, so that their codes speak of what the sender really signed.
2. Nothing is looked up here: keys, clock and the exchange's name are passed in. For a past envelope they are those of
   the moment at which it was logged.
3. `VerifiedEnvelope` is made here and nowhere else.

It cannot open an envelope, and says nothing about whether its move is legal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.header import Header
from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.encoding import MAX_SKEW_S, digest_of
from shared.envelope.manifest import Manifest, ManifestPart
from shared.envelope.signed_text import ALGORITHM_OF, SigningKey, signing_input, verify_signed_text
from shared.errors import (
    EnvelopeExpired,
    EnvelopeFutureDated,
    EnvelopeKeyForeign,
    EnvelopeKeyUnknown,
    EnvelopePartMismatch,
    EnvelopeRecipientsMismatch,
    EnvelopeWrapMismatch,
    EnvelopeWrongExchange,
)

_PROVEN = object()


@dataclass(frozen=True, slots=True)
class VerifiedEnvelope:
    """All steps passed. `absent_parts` are named by the manifest but not here: they must have been uploaded before."""

    header: Header
    manifest: Manifest
    jws_bytes: bytes
    digest: str
    wraps: Mapping[str, bytes]
    parts: Mapping[str, bytes]
    absent_parts: tuple[ManifestPart, ...]
    signing_kids: tuple[str, str]
    context: bytes
    _proof: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._proof is not _PROVEN:
            raise TypeError("a VerifiedEnvelope is made by verify_envelope alone")


def verify_envelope(
    received: ReceivedEnvelope,
    *,
    exchange: str,
    now: datetime,
    signing_keys: Mapping[str, SigningKey],
    sealing_kids: Mapping[str, str],
    max_skew_s: int = MAX_SKEW_S,
    wraps_for: Collection[str] | None = None,
) -> VerifiedEnvelope:
    """Steps 4 to 11.

    `exchange` is this exchange's log origin, `now` the aware time to judge at. `signing_keys` maps kids to the keys
    that may sign envelopes at that time (never API keys); `sealing_kids` maps each authority to the kid of its sealing
    key at that time. `wraps_for` names the kids whose wraps must be here: every one unless given; a recipient gives its
    own, since it fetched no other.

    Raises the refusal of the first step that fails; the module's table names the codes.
    """
    for text in signed_texts(received, signing_keys):
        verify_signed_text(*text)
    verify_claims(received, exchange, now, sealing_kids, max_skew_s)
    header, manifest = received.header, received.manifest
    _verify_wraps(manifest, received.wraps, wraps_for)
    first, second = received.jws.signatures
    return VerifiedEnvelope(
        header=header,
        manifest=manifest,
        jws_bytes=received.jws_bytes,
        digest=received.digest,
        wraps=received.wraps,
        parts=received.parts,
        absent_parts=_verify_parts(manifest, received.parts),
        signing_kids=(first.kid, second.kid),
        context=received.context,
        _proof=_PROVEN,
    )


def verify_signatures(jws: bytes, signing_keys: Mapping[str, SigningKey]) -> ReceivedEnvelope:
    """Steps 1 to 6, for who has the signed manifest alone, as the ledger keeps it: both signatures are the sender's.

    The answer is still only received: nothing is said of its exchange, its time, its wraps and its parts.
    Raises the refusal of the first step that fails.
    """
    received = parse_envelope(jws)
    for text in signed_texts(received, signing_keys):
        verify_signed_text(*text)
    return received


def signed_texts(
    received: ReceivedEnvelope, signing_keys: Mapping[str, SigningKey]
) -> list[tuple[SigningKey, bytes, bytes]]:
    """Step 4, and what steps 5 and 6 ask, in their order: key, signature, covered bytes. Raises as step 4 does."""
    payload = received.jws.payload_text
    keys = keys_of_signatures(received, signing_keys)
    return [
        (key, one.value, signing_input(one.protected, payload))
        for key, one in zip(keys, received.jws.signatures, strict=True)
    ]


def keys_of_signatures(received: ReceivedEnvelope, signing_keys: Mapping[str, SigningKey]) -> list[SigningKey]:
    """Step 4: the keys that its signatures name. Raises EnvelopeKeyForeign, EnvelopeKeyUnknown."""
    sender = received.header.sender
    for signature in received.jws.signatures:  # for both before any arithmetic
        if signature.kid.partition("#")[0] != sender:
            raise EnvelopeKeyForeign(kid=signature.kid[:80], sender=sender)
        key = signing_keys.get(signature.kid)
        if key is None or ALGORITHM_OF[type(key)] != signature.alg:
            raise EnvelopeKeyUnknown(kid=signature.kid[:80], sender=sender)
    return [signing_keys[one.kid] for one in received.jws.signatures]


def verify_claims(
    received: ReceivedEnvelope, exchange: str, now: datetime, sealing_kids: Mapping[str, str], max_skew_s: int
) -> None:
    """Steps 7 to 9, once the signatures are known to be good. Raises the refusal of the first that fails."""
    header = received.header
    if header.exchange != exchange:  # step 7
        raise EnvelopeWrongExchange(given=header.exchange, expected=exchange)
    _verify_times(header, now, max_skew_s)
    _verify_recipients(header, received.manifest, sealing_kids)


def _verify_times(header: Header, now: datetime, max_skew_s: int) -> None:
    if now >= header.expires:  # step 8
        raise EnvelopeExpired(expires_at=header.expires_at)
    if header.sent > now + timedelta(seconds=max_skew_s):
        raise EnvelopeFutureDated(sent_at=header.sent_at, now=now.isoformat())


def _verify_recipients(header: Header, manifest: Manifest, sealing_kids: Mapping[str, str]) -> None:
    expected = []
    for authority in (*header.recipients, header.sender):  # step 9
        if authority not in sealing_kids:
            raise EnvelopeRecipientsMismatch(why=f"no sealing key of {authority} is known for this time")
        expected.append(sealing_kids[authority])
    sealed_to = [recipient.kid for recipient in manifest.recipients]
    if sealed_to == expected:
        return
    for kid in expected:
        if kid not in sealed_to:
            raise EnvelopeRecipientsMismatch(why=f"it is not sealed to {kid}")
    for kid in sealed_to:
        if kid not in expected:
            raise EnvelopeRecipientsMismatch(why=f"it is sealed to {kid[:80]}")
    raise EnvelopeRecipientsMismatch(why="they do not stand in the order of the header, the sender last")


def _verify_wraps(manifest: Manifest, wraps: Mapping[str, bytes], wraps_for: Collection[str] | None) -> None:
    digests = {recipient.kid: recipient.wrap_sha256 for recipient in manifest.recipients}
    for kid in digests if wraps_for is None else wraps_for:  # step 10
        if kid not in wraps:
            raise EnvelopeWrapMismatch(kid=kid[:80])
    for kid, wrap in wraps.items():
        if kid not in digests or digest_of(wrap) != digests[kid]:
            raise EnvelopeWrapMismatch(kid=kid[:80])


def _verify_parts(manifest: Manifest, parts: Mapping[str, bytes]) -> tuple[ManifestPart, ...]:
    named = {part.name: part for part in manifest.parts}
    for name, ct in parts.items():  # step 11
        part = named.get(name)
        if part is None or len(ct) != part.ct_len or digest_of(ct) != part.ct_sha256:
            raise EnvelopePartMismatch(part=name[:16])
    return tuple(part for part in manifest.parts if part.name not in parts)
