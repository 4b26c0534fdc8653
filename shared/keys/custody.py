"""What may hold a private key: a file's seed in this process's memory, or a hardware module.

All signing and opening for an authority goes through these two protocols; nothing that uses a key asks where it lies.
They stand in this layer, below the other ports, because key events and proofs of possession are signed here.

Promises that a holder makes:
1. `public` is the raw key of `public`'s table, constant for the life of the object, and needs no call outwards.
2. `sign` and `open_wrap` may be called any number of times, by one thread at a time, and may take as long as a network
   round trip. They never prompt.
3. A module that does not answer raises `errors.KeyModuleUnusable`; nothing was signed then.
4. `repr`, exceptions and logs show no secret of the key and no PIN.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Signer(Protocol):
    """One private signing key, Ed25519 or ML-DSA-65 by the length of `public`."""

    @property
    def public(self) -> bytes: ...

    def kid(self, owner: str) -> str: ...

    def sign(self, data: bytes) -> bytes:
        """The raw signature over these bytes: RFC 8032's, or FIPS 204's with the empty context."""
        ...


@runtime_checkable
class Opener(Protocol):
    """One private sealing key. `public` is the raw X-Wing key, 1216 bytes."""

    @property
    def public(self) -> bytes: ...

    def kid(self, owner: str) -> str: ...

    def open_wrap(self, wrap: bytes, info: bytes) -> bytes:
        """What was sealed to this key under `info`. Raises EnvelopeCannotOpen."""
        ...


class KeyModule(Protocol):
    """An open hardware module that makes and uses Ed25519 keys. All raise KeyModuleUnusable."""

    @property
    def serial(self) -> str:
        """The number by which key files name it."""
        ...

    def generate(self, label: str) -> tuple[bytes, Signer]:
        """A new key that never leaves the module, durable on return: the id of its object, and the key."""
        ...

    def signer(self, object_id: bytes, public: bytes) -> Signer:
        """The key in this object, whose public half is known to be this one."""
        ...

    def destroy(self, object_id: bytes) -> None:
        """Repeating it is no error."""
        ...
