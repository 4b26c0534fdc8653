"""The keys that an authority acts with, and the two signatures that only it can make.

Rules:
1. A bundle holds what signs and opens, and asks nothing else of it (`shared.keys.custody`): a hardware module can stand
   behind any of its keys.
2. Four keys, four purposes: Ed25519 and ML-DSA-65 sign envelopes, X-Wing opens, another Ed25519 key signs API calls.
   The API key never signs an envelope: it lies on more machines.
3. Sealing keys that were rotated out stay in the bundle until they are destroyed on purpose: until then what was sealed
   to them can be reopened, by the authority and by whoever steals the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.domain.ids import is_authority_id
from shared.envelope.encoding import ALGORITHMS
from shared.envelope.jws import JwsSignature, encode_jws, encode_protected
from shared.envelope.signed_text import signing_input
from shared.errors import EnvelopeCannotOpen, KeyNotFound, KeyRefused
from shared.keys.base64url import encode_b64u
from shared.keys.custody import Opener, Signer
from shared.keys.event_document import USES_OF_ROLE, KeyEntryDocument, Use
from shared.keys.possession import prove_keys
from shared.keys.private import XWingOpener, generate_ed25519, generate_mldsa65, generate_xwing
from shared.keys.public import parse_xwing

WRAP_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
"""HPKE (RFC 9180) base mode with X-Wing: kem 0x647a, kdf 0x0001, aead 0x0002."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftwareOpener:
    """An X-Wing key in this process's memory."""

    key: XWingOpener

    @property
    def public(self) -> bytes:
        return self.key.public

    def kid(self, owner: str) -> str:
        return self.key.kid(owner)

    def open_wrap(self, wrap: bytes, info: bytes) -> bytes:
        try:
            return WRAP_SUITE.decrypt(wrap, self.key.hpke_key, info)
        except (InvalidTag, ValueError):
            raise EnvelopeCannotOpen(why="the wrap was not sealed to this key for this message") from None


@dataclass(frozen=True, slots=True, eq=False)
class ComingKeys:
    """Keys that do not act yet. `since` is when they will, None as long as the directory does not show them."""

    since: datetime | None
    keys: Mapping[Use, Signer | Opener]


@dataclass(frozen=True, slots=True, eq=False)
class AuthorityKeys:
    """Everything with which one authority acts. Raises KeyRefused for an authority id that is none."""

    authority: str
    ed25519: Signer
    mldsa65: Signer
    sealing: Opener
    api: Signer
    former_sealing: tuple[Opener, ...] = ()
    coming: ComingKeys | None = None

    def __post_init__(self) -> None:
        if not is_authority_id(self.authority):
            raise KeyRefused(alg="authority's", why=f"{self.authority} is not an authority id")

    @property
    def signing_kids(self) -> tuple[str, str]:
        return self.ed25519.kid(self.authority), self.mldsa65.kid(self.authority)

    @property
    def sealing_kid(self) -> str:
        return self.sealing.kid(self.authority)

    @property
    def api_kid(self) -> str:
        return self.api.kid(self.authority)

    def opener(self, kid: str) -> Opener:
        """The acting, a coming or a former sealing key. Raises KeyNotFound."""
        coming = self.coming.keys.get("seal-xwing") if self.coming else None
        for opener in (self.sealing, coming, *self.former_sealing):
            if isinstance(opener, Opener) and opener.kid(self.authority) == kid:
                return opener
        raise KeyNotFound(kid=kid)

    @property
    def acting(self) -> dict[Use, Signer | Opener]:
        """The four keys by their uses."""
        keys: tuple[Signer | Opener, ...] = (self.ed25519, self.mldsa65, self.sealing, self.api)
        return dict(zip(USES_OF_ROLE["authority"], keys, strict=True))

    @property
    def own_kids(self) -> frozenset[str]:
        """Of every key that acts, has still to come, or opens what came before."""
        coming = self.coming.keys.values() if self.coming else ()
        return frozenset(key.kid(self.authority) for key in (*self.acting.values(), *coming, *self.former_sealing))

    def prove(self, not_before: datetime, not_after: datetime) -> tuple[KeyEntryDocument, ...]:
        """The entries of a key event for the four acting keys, with proof of possession of each, valid in this window.

        Raises KeyRefused for a key that does not fit its use.
        """
        return prove_keys(self.authority, self.acting, not_before, not_after)

    def prove_coming(self, not_before: datetime, not_after: datetime) -> tuple[KeyEntryDocument, ...]:
        """The same for the keys that are to come; the acting pair vouches for a sealing key that comes without one.

        Raises KeyRefused, also when none are to come.
        """
        if self.coming is None:
            raise KeyRefused(alg="next", why="none was made; `comity keys rotate` makes them")
        return prove_keys(
            self.authority, self.coming.keys, not_before, not_after, vouchers=(self.ed25519, self.mldsa65)
        )

    def seal_to_itself(self, plaintext: bytes, info: bytes) -> bytes:
        """What only the acting sealing key opens, with `open_wrap` and this info."""
        return WRAP_SUITE.encrypt(plaintext, parse_xwing(self.sealing.public).hpke_key, info)

    def sign_manifest(self, manifest: bytes) -> bytes:
        """The canonical JWS over these manifest bytes, with both signatures."""
        payload_text = encode_b64u(manifest)
        signatures = []
        for alg, signer in zip(ALGORITHMS, (self.ed25519, self.mldsa65), strict=True):
            kid = signer.kid(self.authority)
            protected = encode_protected(alg, kid)
            signature = signer.sign(signing_input(protected, payload_text))
            signatures.append(JwsSignature(alg, kid, protected, encode_b64u(signature)))
        return encode_jws(payload_text, signatures)


def generate_authority_keys(authority: str) -> AuthorityKeys:
    """Four new software keys."""
    return AuthorityKeys(
        authority=authority,
        ed25519=generate_ed25519(),
        mldsa65=generate_mldsa65(),
        sealing=SoftwareOpener(generate_xwing()),
        api=generate_ed25519(),
    )
