"""From the keys of a file to the keys that act at a time, wherever each of them lies.

Of each use the newest generation whose `since` has come acts. Keys in a hardware token are asked of its open module;
where it is not open they keep their names and sign nothing. Everything here raises KeyFileUnusable, KeyModuleUnusable.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from client.key_file import KeyFile, StoredGeneration, StoredKey, TokenKey
from client.signing import AuthorityKeys, ComingKeys, SoftwareOpener
from shared.errors import KeyFileUnusable, KeyModuleUnusable
from shared.keys.custody import KeyModule, Opener, Signer
from shared.keys.event_document import USES_OF_ROLE, Use
from shared.keys.private import XWingOpener

ALL_USES = USES_OF_ROLE["authority"]
SIGN_ED25519, SIGN_MLDSA65, SEAL, API = ALL_USES
Held = StoredKey | TokenKey


def bundle_of(path: Path, file: KeyFile, at: datetime, module: KeyModule | None) -> AuthorityKeys:
    newest = file.generations[0]
    coming = None
    if not has_begun(newest, at):
        coming = ComingKeys(newest.since, {use: _holder(path, key, module) for use, key in _by_use(newest)})
    return AuthorityKeys(
        authority=file.owner,
        ed25519=signer_of(path, acting_key(path, file, SIGN_ED25519, at), module),
        mldsa65=signer_of(path, acting_key(path, file, SIGN_MLDSA65, at), module),
        sealing=_opener(path, acting_key(path, file, SEAL, at)),
        api=signer_of(path, acting_key(path, file, API, at), module),
        former_sealing=tuple(_opener(path, key) for key in former_sealing(path, file, at)),
        coming=coming,
    )


def _by_use(generation: StoredGeneration) -> Iterator[tuple[Use, Held]]:
    for use in ALL_USES:
        key = generation.key(use)
        if key is not None:
            yield use, key


def _holder(path: Path, key: Held, module: KeyModule | None) -> Signer | Opener:
    return _opener(path, key) if key.use == SEAL else signer_of(path, key, module)


class AbsentSigner:
    """A key whose token is not open: it has its name and signs nothing. What needs no signature goes on without it."""

    def __init__(self, path: Path, key: TokenKey) -> None:
        self._path = path
        self._key = key

    @property
    def public(self) -> bytes:
        return self._key.public

    def kid(self, owner: str) -> str:
        return self._key.kid(owner)

    def sign(self, data: bytes) -> bytes:
        """Raises KeyModuleUnusable."""
        why = (
            f"{self._path} names its {self._key.use} key there; COMITY_PKCS11_MODULE names the library to open it with"
        )
        raise KeyModuleUnusable(module=f"token {self._key.token}", why=f"it is not open, and {why}")


def signer_of(path: Path, key: Held, module: KeyModule | None) -> Signer:
    if isinstance(key, TokenKey):
        is_open = module is not None and module.serial == key.token
        return module.signer(key.object_id, key.public) if module and is_open else AbsentSigner(path, key)
    restored = key.restore()
    if isinstance(restored, XWingOpener):
        raise KeyFileUnusable(file=path, why=f"its {key.use} key signs nothing")
    return restored


def _opener(path: Path, key: Held) -> Opener:
    return SoftwareOpener(XWingOpener(seed_of(path, key)))


def seed_of(path: Path, key: Held) -> bytes:
    if isinstance(key, TokenKey):
        raise KeyFileUnusable(file=path, why=f"its {key.use} key does not lie in it")
    return key.seed


def has_begun(generation: StoredGeneration, at: datetime) -> bool:
    return generation.since is not None and generation.since <= at


def acting_key(path: Path, file: KeyFile, use: str, at: datetime) -> Held:
    for generation in file.generations:
        key = generation.key(use) if has_begun(generation, at) else None
        if key is not None:
            return key
    raise KeyFileUnusable(file=path, why=f"it holds no {use} key: it belongs to another kind of owner")


def former_sealing(path: Path, file: KeyFile, at: datetime) -> list[Held]:
    acting = acting_key(path, file, SEAL, at)
    begun = [generation.key(SEAL) for generation in file.generations if has_begun(generation, at)]
    return [key for key in begun if key is not None and key != acting]
