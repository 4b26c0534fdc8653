"""A PKCS#11 token: two of an authority's four keys lie in it, and never leave it.

Rules:
1. The token holds Ed25519 keys: the one that signs envelopes with it, and the API key. Tokens do not know ML-DSA-65 and
   X-Wing yet; those two stay in the key file. As an envelope bears both signatures, whoever steals the file alone can
   sign nothing, and whoever has the token alone neither.
2. Keys are made in the token, for signing only, not extractable. The key file names token and object, and holds the
   public key: each signature is verified under it before it is handed out, so that a token with another key in the
   object's place, or a fault in it, signs nothing in this authority's name.
3. The PIN goes to the token and nowhere else; no error carries it.

The library `python-pkcs11` is optional (`comity[pkcs11]`) and is loaded when a token is opened.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature

from shared.errors import KeyModuleUnusable, KeyRefused
from shared.keys.custody import Signer
from shared.keys.public import ED25519_BYTES, Ed25519Public

if TYPE_CHECKING:
    from pkcs11 import PrivateKey, PublicKey, Session

_CURVE_BY_NAME: Final = b"\x13\x0cedwards25519"
_CURVE_BY_OID: Final = b"\x06\x03\x2b\x65\x70"
"""PKCS#11 3.0 §2.3.5: a token takes the curve by name (PrintableString) or by OID (1.3.101.112)."""
_OCTET_STRING: Final = b"\x04\x20"
_OBJECT_ID_BYTES: Final = 16


class TokenSigner:
    """One Ed25519 key of a token."""

    def __init__(self, token: Token, key: PrivateKey, public: Ed25519Public) -> None:
        self._token = token
        self._key = key
        self._public = public

    @property
    def public(self) -> bytes:
        return self._public.raw

    def kid(self, owner: str) -> str:
        return self._public.kid(owner)

    def sign(self, data: bytes) -> bytes:
        """64 bytes. Raises KeyModuleUnusable; nothing was signed then."""
        from pkcs11 import Mechanism

        with self._token.speaking():
            signature = bytes(self._key.sign(data, mechanism=Mechanism.EDDSA))  # type: ignore[attr-defined]  # by mixin
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            raise self._token.unusable("what it signed does not verify under the key that the key file names") from None
        return signature


class Token:
    """An open session with one token. Close it after use. Not for use from several threads."""

    def __init__(self, module: Path, pin: str, *, label: str | None = None, serial: str | None = None) -> None:
        """By serial number or by label; neither is needed where the module has one token. Raises KeyModuleUnusable."""
        self._module = module
        wanted: dict[str, Any] = {} if label is None else {"token_label": label}
        wanted |= {} if serial is None else {"token_serial": serial.encode()}
        with self.speaking():
            library = _library(module)
            token = library.get_token(**wanted)
            self.serial = token.serial.decode("ascii", "replace").strip()
            self._session: Session = _log_in(token, pin)

    def close(self) -> None:
        with self.speaking():
            self._session.close()

    def generate(self, label: str) -> tuple[bytes, Signer]:
        """A new Ed25519 key in the token: the id of the object, and the key. Raises KeyModuleUnusable."""
        from pkcs11 import Attribute
        from pkcs11.exceptions import PKCS11Error

        object_id = secrets.token_bytes(_OBJECT_ID_BYTES)
        with self.speaking():
            try:
                public, private = self._generate(_CURVE_BY_NAME, object_id, label)
            except PKCS11Error:
                public, private = self._generate(_CURVE_BY_OID, object_id, label)
            point = bytes(public[Attribute.EC_POINT])
        return object_id, TokenSigner(self, private, self._checked(point))

    def signer(self, object_id: bytes, public: bytes) -> Signer:
        """The key in this object. Raises KeyModuleUnusable when it is not there."""
        from pkcs11 import KeyType, ObjectClass

        with self.speaking():
            key: Any = self._session.get_key(ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS, id=object_id)
        return TokenSigner(self, key, self._checked(public))

    def destroy(self, object_id: bytes) -> None:
        """Both halves; that they are gone already is no error. Raises KeyModuleUnusable."""
        from pkcs11 import Attribute

        with self.speaking():
            for found in list(self._session.get_objects({Attribute.ID: object_id})):
                found.destroy()

    def unusable(self, why: str) -> KeyModuleUnusable:
        return KeyModuleUnusable(module=self._module, why=why)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """What the module says against it becomes KeyModuleUnusable."""
        try:
            from pkcs11 import exceptions as said
        except ImportError:
            raise self.unusable("the library for it is not installed: pip install 'comity[pkcs11]'") from None
        try:
            yield
        except (said.PinIncorrect, said.PinLenRange, said.PinInvalid):
            raise self.unusable("the PIN is wrong, and a token locks itself after a few wrong ones") from None
        except said.PinLocked:
            raise self.unusable("the PIN is locked; the token's security officer unlocks it") from None
        except said.NoSuchToken:
            raise self.unusable("it has no such token: is it inserted, and is COMITY_PKCS11_TOKEN its label?") from None
        except said.MultipleTokensReturned:
            raise self.unusable("it has several tokens: name one as COMITY_PKCS11_TOKEN") from None
        except said.NoSuchKey:
            raise self.unusable("the key that the key file names is not in the token") from None
        except (said.PKCS11Error, RuntimeError, OSError) as broken:
            raise self.unusable(f"it answers {type(broken).__name__}") from None

    def _generate(self, curve: bytes, object_id: bytes, label: str) -> tuple[PublicKey, PrivateKey]:
        from pkcs11 import Attribute, KeyType, Mechanism

        parameters = self._session.create_domain_parameters(
            KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: curve}, local=True
        )
        return parameters.generate_keypair(
            id=object_id,
            label=label,
            store=True,
            mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )

    def _checked(self, point: bytes) -> Ed25519Public:
        """The key of an EC_POINT, which tokens give as an OCTET STRING or bare. Raises KeyModuleUnusable."""
        bare = point[2:] if len(point) == ED25519_BYTES + 2 and point.startswith(_OCTET_STRING) else point
        try:
            return Ed25519Public(bare)
        except KeyRefused as refused:
            raise self.unusable(refused.sentence()) from None


def _log_in(token: Any, pin: str) -> Any:
    """A session; logging in counts for the whole process, so a second one finds itself logged in already."""
    from pkcs11.exceptions import UserAlreadyLoggedIn

    try:
        return token.open(rw=True, user_pin=pin)
    except UserAlreadyLoggedIn:
        return token.open(rw=True)


def _library(module: Path) -> Any:
    import pkcs11

    return pkcs11.lib(str(module))
