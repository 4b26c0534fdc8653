"""What an owner keeps in its key file: an authority its four keys, in generations; an operator or an auditor one key.

Rules:
1. Keys are durable in the file before anybody else hears of them, and they act only once the directory shows them:
   `stage_keys` makes a generation, `settle_keys` says from when it acts.
2. Of each use the newest generation whose `since` has come acts. A key that is to come opens already: whoever sealed to
   it knows the directory better than this file.
3. Every writing forgets signing and API keys that a successor has replaced: they can only be stolen. Sealing keys stay
   until `destroy_sealing_key`.
4. An operator or an auditor has one key and no generations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from client.key_file import (
    KINDS,
    KeyFile,
    StoredGeneration,
    StoredKey,
    change_key_file,
    read_clear,
    read_key_file,
    write_key_file,
)
from client.signing import AuthorityKeys, ComingKeys, SoftwareOpener, generate_authority_keys
from shared.errors import KeyFileUnusable, KeyNotFound
from shared.keys.custody import Opener, Signer
from shared.keys.event_document import USES_OF_ROLE, Use
from shared.keys.private import Ed25519Signer, MLDSA65Signer, XWingOpener, generate_ed25519, generate_seed
from shared.keys.public import OPERATOR

ALL_USES = USES_OF_ROLE["authority"]
_SIGN_ED25519, _SIGN_MLDSA65, _SEAL, _API = ALL_USES
_Key = TypeVar("_Key", Ed25519Signer, MLDSA65Signer, XWingOpener)


# --- an authority ----------------------------------------------------------------------------------------------------


def create_keystore(path: Path, passphrase: str, authority: str, cost: int | None = None) -> AuthorityKeys:
    """New keys for an authority, durable in a new file on return.

    Raises KeyFileUnusable when the file exists or the passphrase is too short, KeyRefused for a bad authority id.
    """
    keys = generate_authority_keys(authority)
    save_keystore(path, passphrase, keys, cost)
    return keys


def save_keystore(path: Path, passphrase: str, keys: AuthorityKeys, cost: int | None = None) -> None:
    """Keep the four acting keys of a bundle in a new file, durable on return.

    Raises KeyFileUnusable, also for a key that lies in hardware: its seed is not to be had.
    """
    now = datetime.now(UTC)
    stored = tuple(_stored(path, use, key) for use, key in keys.acting.items())
    write_key_file(path, passphrase, KeyFile(keys.authority, (StoredGeneration(now, now, stored),), cost))


def load_keystore(path: Path, passphrase: str, at: datetime | None = None) -> AuthorityKeys:
    """The keys with which an authority acts at this time, now unless it is given. Raises PassphraseWrong,
    KeyFileUnusable."""
    return _bundle(path, read_key_file(path, passphrase), at or datetime.now(UTC))


def stage_keys(path: Path, passphrase: str, uses: Sequence[Use] = ALL_USES) -> AuthorityKeys:
    """A new generation of keys for these uses, durable on return and not acting yet: it stands as `coming`.

    Repeated after a crash it gives the same keys, since their event may have been posted. Raises KeyFileUnusable when
    another generation has still to come, PassphraseWrong.
    """
    now = datetime.now(UTC)

    def stage(file: KeyFile) -> KeyFile:
        newest = file.generations[0]
        if newest.since is not None and newest.since <= now:
            keys = tuple(StoredKey(use, generate_seed()) for use in ALL_USES if use in uses)
            return _tidied(replace(file, generations=(StoredGeneration(now, None, keys), *file.generations)), now)
        if newest.since is not None or {key.use for key in newest.keys} != set(uses):
            raise KeyFileUnusable(
                file=path, why=f"the keys made at {newest.made_at:%Y-%m-%d %H:%M} UTC are still to come"
            )
        return file

    return _bundle(path, change_key_file(path, passphrase, stage), now)


def settle_keys(path: Path, passphrase: str, since: datetime) -> AuthorityKeys:
    """The directory shows the staged generation, counting from `since`: it acts from then on. Durable on return.

    Settling again changes nothing. Raises KeyFileUnusable, PassphraseWrong.
    """
    now = datetime.now(UTC)

    def settle(file: KeyFile) -> KeyFile:
        newest, *others = file.generations
        if newest.since is None:
            newest = replace(newest, since=since)
        return _tidied(replace(file, generations=(newest, *others)), now)

    return _bundle(path, change_key_file(path, passphrase, settle), now)


def discard_staged_keys(path: Path, passphrase: str) -> None:
    """Forget staged keys whose event was never admitted, and never will be. Raises KeyFileUnusable, PassphraseWrong."""

    def discard(file: KeyFile) -> KeyFile:
        return replace(file, generations=tuple(one for one in file.generations if one.since is not None))

    change_key_file(path, passphrase, discard)


def destroy_sealing_key(path: Path, passphrase: str, kid: str) -> None:
    """Remove a former sealing key for ever: what only it opens is lost. Whoever calls has made sure that nothing is.

    Raises KeyNotFound when it is not a former sealing key of this file, KeyFileUnusable, PassphraseWrong.
    """
    now = datetime.now(UTC)

    def destroy(file: KeyFile) -> KeyFile:
        former = {one.kid(file.owner) for one in _bundle(path, file, now).former_sealing}
        if kid not in former:
            raise KeyNotFound(kid=kid)
        return _without(file, lambda key: key.restore().kid(file.owner) == kid)

    change_key_file(path, passphrase, destroy)


def change_passphrase(path: Path, old: str, new: str, cost: int | None = None) -> None:
    """Seal the file anew, with a new salt and at this cost. Copies made before still open with the old passphrase.

    Raises PassphraseWrong for the old one, KeyFileUnusable for a new one that is too short.
    """
    change_key_file(path, old, lambda file: replace(file, cost=cost), new_passphrase=new)


# --- an operator, an auditor -----------------------------------------------------------------------------------------


def create_operator_key(path: Path, passphrase: str, cost: int | None = None) -> Ed25519Signer:
    """A new operator key, which signs key events and API calls. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, OPERATOR, _SIGN_ED25519, cost)


def load_operator_key(path: Path, passphrase: str) -> Ed25519Signer:
    """Raises PassphraseWrong, KeyFileUnusable."""
    return _single(path, read_key_file(path, passphrase), _SIGN_ED25519)


def create_auditor_key(path: Path, passphrase: str, auditor: str, cost: int | None = None) -> Ed25519Signer:
    """A new API key for an auditor, who signs calls and nothing else. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, auditor, _API, cost)


def load_auditor_key(path: Path, passphrase: str) -> tuple[str, Ed25519Signer]:
    """The id and API key of an auditor, or of an authority. Raises PassphraseWrong, KeyFileUnusable."""
    file = read_key_file(path, passphrase)
    return file.owner, _single(path, file, _API)


def read_kids(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The owner and, for each key, `use`, `kid`, `made_at` and `since`, the newest first, as the file names them in
    clear: nothing proves them before it is opened. Raises KeyFileUnusable."""
    return read_clear(path)


# --- from stored keys to keys that act -------------------------------------------------------------------------------


def _bundle(path: Path, file: KeyFile, at: datetime) -> AuthorityKeys:
    sealing = _acting(path, file, _SEAL, at, XWingOpener)
    newest = file.generations[0]
    has_come = newest.since is not None and newest.since <= at
    coming = None if has_come else ComingKeys(newest.since, {key.use: _holder(key) for key in newest.keys})  # type: ignore[misc]
    return AuthorityKeys(
        authority=file.owner,
        ed25519=_acting(path, file, _SIGN_ED25519, at, Ed25519Signer),
        mldsa65=_acting(path, file, _SIGN_MLDSA65, at, MLDSA65Signer),
        sealing=SoftwareOpener(sealing),
        api=_acting(path, file, _API, at, Ed25519Signer),
        former_sealing=tuple(
            SoftwareOpener(XWingOpener(key.seed))
            for generation in file.generations
            for key in generation.keys
            if key.use == _SEAL and key.seed != sealing.seed and _has_begun(generation, at)
        ),
        coming=coming,
    )


def _holder(key: StoredKey) -> Signer | Opener:
    restored = key.restore()
    return SoftwareOpener(restored) if isinstance(restored, XWingOpener) else restored


def _has_begun(generation: StoredGeneration, at: datetime) -> bool:
    return generation.since is not None and generation.since <= at


def _acting(path: Path, file: KeyFile, use: str, at: datetime, kind: type[_Key]) -> _Key:
    for generation in file.generations:
        key = generation.key(use) if _has_begun(generation, at) else None
        if key is not None:
            return kind(key.seed)
    raise KeyFileUnusable(file=path, why=f"it holds no {use} key: it belongs to another kind of owner")


def _tidied(file: KeyFile, at: datetime) -> KeyFile:
    """Without the keys that sign nothing any more (rule 3)."""
    replaced: set[str] = set()
    kept = []
    for generation in file.generations:
        keys = tuple(key for key in generation.keys if key.use not in replaced)
        kept.append(replace(generation, keys=keys))
        if _has_begun(generation, at):
            replaced |= {key.use for key in keys} - {_SEAL}
    return replace(file, generations=tuple(one for one in kept if one.keys))


def _without(file: KeyFile, is_gone: Callable[[StoredKey], bool]) -> KeyFile:
    kept = [replace(one, keys=tuple(key for key in one.keys if not is_gone(key))) for one in file.generations]
    return replace(file, generations=tuple(one for one in kept if one.keys))


def _stored(path: Path, use: str, key: Signer | Opener) -> StoredKey:
    software = key.key if isinstance(key, SoftwareOpener) else key
    if not isinstance(software, KINDS[use]):
        raise KeyFileUnusable(file=path, why=f"the {use} key does not lie in this process")
    return StoredKey(use, software.seed)


def _create_single(path: Path, passphrase: str, owner: str, use: str, cost: int | None) -> Ed25519Signer:
    signer, now = generate_ed25519(), datetime.now(UTC)
    write_key_file(
        path, passphrase, KeyFile(owner, (StoredGeneration(now, now, (StoredKey(use, signer.seed),)),), cost)
    )
    return signer


def _single(path: Path, file: KeyFile, use: str) -> Ed25519Signer:
    return _acting(path, file, use, datetime.now(UTC), Ed25519Signer)
