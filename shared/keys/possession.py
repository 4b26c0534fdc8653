"""Proof of possession: nobody enrols a key whose private half they do not hold.

The statement of a key is

    "comity-key-pop/1" 00 party 00 use 00 not_before 00 not_after 00 raw-public-key

with the two times exactly as written in the event, so that the owner, not the operator, sets how long its key lives.
1. A key that can sign proves itself: one signature over its own statement.
2. A sealing key cannot sign. Both signing keys of its owner vouch for it: two signatures over the sealing key's
   statement, Ed25519 then ML-DSA-65, by the signing keys that are in force after the event. So it is proved that the
   holder of the signing keys wants this sealing key, not that anybody holds its private half: an owner who registers a
   stranger's sealing key loses its own mail and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature

from shared.domain.ids import encode_time
from shared.errors import KeyRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.custody import Signer
from shared.keys.event_document import KeyEntryDocument, Use
from shared.keys.public import (
    ED25519_BYTES,
    MLDSA65_BYTES,
    XWING_BYTES,
    Ed25519Public,
    MLDSA65Public,
    XWingPublic,
    parse_ed25519,
    parse_mldsa65,
    parse_xwing,
)

POSSESSION_DOMAIN: Final = b"comity-key-pop/1\x00"

PublicKey = Ed25519Public | MLDSA65Public | XWingPublic
_BYTES: Final[dict[Use, int]] = {
    "sign-ed25519": ED25519_BYTES,
    "sign-mldsa65": MLDSA65_BYTES,
    "seal-xwing": XWING_BYTES,
    "api-ed25519": ED25519_BYTES,
}


class Holder(Protocol):
    """Whatever has a public key: a `custody.Signer`, a `custody.Opener`, or a sealing key that is kept and not used."""

    @property
    def public(self) -> bytes: ...


def possession_statement(party: str, use: Use, not_before: str, not_after: str, raw: bytes) -> bytes:
    return POSSESSION_DOMAIN + "\x00".join((party, use, not_before, not_after, "")).encode() + raw


def parse_entry_public(entry: KeyEntryDocument) -> PublicKey:
    """The entry's key, checked as `public` checks it. Raises KeyRefused."""
    try:
        raw = parse_b64u(entry.public)
    except ValueError as bad:
        raise KeyRefused(alg=entry.use, why=bad) from None
    if entry.use == "sign-mldsa65":
        return parse_mldsa65(raw)
    return parse_xwing(raw) if entry.use == "seal-xwing" else parse_ed25519(raw)


def prove_keys(
    party: str,
    keys: Mapping[Use, Holder],
    not_before: datetime,
    not_after: datetime,
    vouchers: tuple[Signer, Signer] | None = None,
) -> tuple[KeyEntryDocument, ...]:
    """Entries for these keys, each with its proof, valid from `not_before` until before `not_after`.

    `vouchers` are the party's signing keys that stay in force, Ed25519 then ML-DSA-65, needed where a sealing key is
    renewed without them.
    Raises KeyRefused when nobody can vouch for a sealing key, or a key does not fit its use.
    """
    window = (encode_time(not_before), encode_time(not_after))
    return tuple(_prove(party, use, key, window, _vouchers(keys, vouchers)) for use, key in keys.items())


def verify_possession(
    party: str, entry: KeyEntryDocument, key: PublicKey, vouchers: tuple[Ed25519Public, MLDSA65Public] | None
) -> None:
    """Raises KeyRefused unless the entry's proof is complete and verifies."""
    provers: tuple[Ed25519Public | MLDSA65Public, ...]
    if not isinstance(key, XWingPublic):
        provers = (key,)
    elif vouchers is not None:
        provers = vouchers
    else:
        raise KeyRefused(alg=entry.use, why="nobody can vouch for it")
    if len(provers) != len(entry.proof):
        raise KeyRefused(alg=entry.use, why=f"its proof of possession has {len(provers)} signatures")
    statement = possession_statement(party, entry.use, entry.not_before, entry.not_after, key.raw)
    for prover, text in zip(provers, entry.proof, strict=True):
        try:
            prover.verify(parse_b64u(text), statement)
        except (InvalidSignature, ValueError):
            raise KeyRefused(alg=entry.use, why="its proof of possession does not verify") from None


def _vouchers(keys: Mapping[Use, Holder], given: tuple[Signer, Signer] | None) -> tuple[Signer, Signer] | None:
    """A signing key of this event vouches before one that it replaces."""
    classical = keys.get("sign-ed25519", given[0] if given else None)
    lattice = keys.get("sign-mldsa65", given[1] if given else None)
    if isinstance(classical, Signer) and isinstance(lattice, Signer):
        return classical, lattice
    return None


def _prove(
    party: str, use: Use, key: Holder, window: tuple[str, str], vouchers: tuple[Signer, Signer] | None
) -> KeyEntryDocument:
    provers: tuple[Signer, ...]
    if len(key.public) != _BYTES[use]:
        raise KeyRefused(alg=use, why="the private half is of another kind")
    if use == "seal-xwing":
        if vouchers is None:
            raise KeyRefused(alg=use, why="nobody can vouch for it")
        provers = vouchers
    elif isinstance(key, Signer):
        provers = (key,)
    else:
        raise KeyRefused(alg=use, why="the private half is of another kind")
    statement = possession_statement(party, use, *window, key.public)
    return KeyEntryDocument(
        use=use,
        public=encode_b64u(key.public),
        not_before=window[0],
        not_after=window[1],
        proof=tuple(encode_b64u(prover.sign(statement)) for prover in provers),
    )
