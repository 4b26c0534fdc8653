"""What an owner keeps in its key file: an authority its four keys, in generations; an operator or an auditor one key.

Rules:
1. Keys are durable in the file before anybody else hears of them, and they act only once the directory shows them:
   `stage_keys` makes a generation, `settle_keys` says from when it acts.
2. Of each use the newest generation whose `since` has come acts. A key that is to come opens already: whoever sealed to
   it knows the directory better than this file.
3. Every writing forgets signing and API keys that a successor has replaced: they can only be stolen. Sealing keys stay
   until `destroy_sealing_key`.
4. A key's successor lies where it lies: in the file, or for the two Ed25519 keys in a hardware token (`token`), whose
   module is then asked for. What a writing forgets is destroyed in the token as well, after the file is durable.
5. An operator or an auditor has one key, in the file, and no generations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.key_bundle import (
    ALL_USES,
    API,
    SEAL,
    SIGN_ED25519,
    Held,
    acting_key,
    bundle_of,
    former_sealing,
    has_begun,
    seed_of,
    signer_of,
)
from client.key_file import (
    KINDS,
    KeyFile,
    StoredGeneration,
    StoredKey,
    TokenKey,
    change_key_file,
    read_clear,
    read_key_file,
    write_key_file,
)
from client.signing import AuthorityKeys, SoftwareOpener
from shared.domain.ids import is_authority_id
from shared.errors import KeyFileUnusable, KeyModuleUnusable, KeyNotFound, KeyRefused
from shared.keys.custody import KeyModule, Opener, Signer
from shared.keys.event_document import Use
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_seed
from shared.keys.public import OPERATOR

IN_TOKEN: tuple[Use, ...] = (SIGN_ED25519, API)
"""What a hardware token can hold: ML-DSA-65 and X-Wing are beyond the tokens of today."""


# --- an authority ----------------------------------------------------------------------------------------------------


def create_keystore(
    path: Path, passphrase: str, authority: str, cost: int | None = None, module: KeyModule | None = None
) -> AuthorityKeys:
    """New keys for an authority, durable in a new file on return; with a module, the Ed25519 keys in it.

    Raises KeyFileUnusable when the file exists or the passphrase is too short, KeyRefused for a bad authority id,
    KeyModuleUnusable.
    """
    if not is_authority_id(authority):
        raise KeyRefused(alg="authority's", why=f"{authority} is not an authority id")
    if path.exists():  # before a token makes keys that no file would know
        raise KeyFileUnusable(file=path, why="it exists already, and keys are not overwritten")
    now = datetime.now(UTC)
    keys = _make(authority, ALL_USES, IN_TOKEN if module else (), module)
    file = KeyFile(authority, (StoredGeneration(now, now, keys),), cost)
    write_key_file(path, passphrase, file)
    return bundle_of(path, file, now, module)


def save_keystore(path: Path, passphrase: str, keys: AuthorityKeys, cost: int | None = None) -> None:
    """Keep the four acting keys of a bundle in a new file, durable on return.

    Raises KeyFileUnusable, also for a key that lies in hardware: its seed is not to be had.
    """
    now = datetime.now(UTC)
    stored = tuple(_stored(path, use, key) for use, key in keys.acting.items())
    write_key_file(path, passphrase, KeyFile(keys.authority, (StoredGeneration(now, now, stored),), cost))


def load_keystore(
    path: Path, passphrase: str, at: datetime | None = None, module: KeyModule | None = None
) -> AuthorityKeys:
    """The keys with which an authority acts at this time, now unless it is given. Raises PassphraseWrong,
    KeyFileUnusable, KeyModuleUnusable."""
    return bundle_of(path, read_key_file(path, passphrase), at or datetime.now(UTC), module)


def stage_keys(
    path: Path,
    passphrase: str,
    uses: Sequence[Use] = ALL_USES,
    module: KeyModule | None = None,
    *,
    in_file: bool = False,
) -> AuthorityKeys:
    """A new generation of keys for these uses, durable on return and not acting yet: it stands as `coming`.

    They lie where their predecessors do; `in_file` takes them all into the file, as when a token was lost.
    Repeated after a crash it gives the same keys, since their event may have been posted. Raises KeyFileUnusable when
    another generation has still to come, PassphraseWrong.
    """
    now = datetime.now(UTC)

    def stage(file: KeyFile) -> KeyFile:
        newest = file.generations[0]
        if newest.since is not None and newest.since <= now:
            in_token = [use for use in ALL_USES if isinstance(acting_key(path, file, use, now), TokenKey)]
            keys = _make(file.owner, [use for use in ALL_USES if use in uses], () if in_file else in_token, module)
            return _tidied(replace(file, generations=(StoredGeneration(now, None, keys), *file.generations)), now)
        if newest.since is not None or {key.use for key in newest.keys} != set(uses):
            raise KeyFileUnusable(
                file=path, why=f"the keys made at {newest.made_at:%Y-%m-%d %H:%M} UTC are still to come"
            )
        return file

    return bundle_of(path, _change(path, passphrase, stage, module), now, module)


def settle_keys(path: Path, passphrase: str, since: datetime, module: KeyModule | None = None) -> AuthorityKeys:
    """The directory shows the staged generation, counting from `since`: it acts from then on. Durable on return.

    Settling again changes nothing. Raises KeyFileUnusable, PassphraseWrong.
    """
    now = datetime.now(UTC)

    def settle(file: KeyFile) -> KeyFile:
        newest, *others = file.generations
        if newest.since is None:
            newest = replace(newest, since=since)
        return _tidied(replace(file, generations=(newest, *others)), now)

    return bundle_of(path, _change(path, passphrase, settle, module), now, module)


def discard_staged_keys(path: Path, passphrase: str, module: KeyModule | None = None) -> None:
    """Forget staged keys whose event was never admitted, and never will be. Raises KeyFileUnusable, PassphraseWrong."""

    def discard(file: KeyFile) -> KeyFile:
        return replace(file, generations=tuple(one for one in file.generations if one.since is not None))

    _change(path, passphrase, discard, module)


def destroy_sealing_key(path: Path, passphrase: str, kid: str) -> None:
    """Remove a former sealing key for ever: what only it opens is lost. Whoever calls has made sure that nothing is.

    Raises KeyNotFound when it is not a former sealing key of this file, KeyFileUnusable, PassphraseWrong.
    """
    now = datetime.now(UTC)

    def destroy(file: KeyFile) -> KeyFile:
        if kid not in {key.kid(file.owner) for key in former_sealing(path, file, now)}:
            raise KeyNotFound(kid=kid)
        return _without(file, lambda key: key.kid(file.owner) == kid)

    change_key_file(path, passphrase, destroy)


def change_passphrase(path: Path, old: str, new: str, cost: int | None = None) -> None:
    """Seal the file anew, with a new salt and at this cost. Copies made before still open with the old passphrase.

    Raises PassphraseWrong for the old one, KeyFileUnusable for a new one that is too short.
    """
    change_key_file(path, old, lambda file: replace(file, cost=cost), new_passphrase=new)


# --- an operator, an auditor -----------------------------------------------------------------------------------------


def create_operator_key(path: Path, passphrase: str, cost: int | None = None) -> Ed25519Signer:
    """A new operator key, which signs key events and API calls. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, OPERATOR, SIGN_ED25519, cost)


def load_operator_key(path: Path, passphrase: str) -> Ed25519Signer:
    """Raises PassphraseWrong, KeyFileUnusable."""
    key = acting_key(path, read_key_file(path, passphrase), SIGN_ED25519, datetime.now(UTC))
    return Ed25519Signer(seed_of(path, key))


def create_officer_key(path: Path, passphrase: str, authority: str, cost: int | None = None) -> Ed25519Signer:
    """A new key for one officer of an authority, who approves with it and signs no envelope. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, authority, SIGN_ED25519, cost)


def create_auditor_key(path: Path, passphrase: str, auditor: str, cost: int | None = None) -> Ed25519Signer:
    """A new API key for an auditor, who signs calls and nothing else. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, auditor, API, cost)


def load_api_key(path: Path, passphrase: str, module: KeyModule | None = None) -> tuple[str, Signer]:
    """The id and API key of an auditor, or of an authority. Raises PassphraseWrong, KeyFileUnusable,
    KeyModuleUnusable."""
    file = read_key_file(path, passphrase)
    return file.owner, signer_of(path, acting_key(path, file, API, datetime.now(UTC)), module)


def read_kids(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The owner and, for each key, `use`, `kid`, `made_at` and `since`, the newest first, as the file names them in
    clear: nothing proves them before it is opened. Raises KeyFileUnusable."""
    return read_clear(path)


# --- changing the file -----------------------------------------------------------------------------------------------


def _make(owner: str, uses: Sequence[str], in_token: Collection[str], module: KeyModule | None) -> tuple[Held, ...]:
    """New keys for these uses. Raises KeyModuleUnusable."""
    made: list[Held] = []
    for use in uses:
        if use not in in_token:
            made.append(StoredKey(use, generate_seed()))
        elif module is None:
            why = f"the {use} key before lies in one, and none is open; COMITY_PKCS11_MODULE names its library"
            raise KeyModuleUnusable(module="of the token", why=why)
        else:
            object_id, signer = module.generate(f"comity {owner} {use}")
            made.append(TokenKey(use, module.serial, object_id, signer.public))
    return tuple(made)


def _change(path: Path, passphrase: str, change: Callable[[KeyFile], KeyFile], module: KeyModule | None) -> KeyFile:
    """Change the file; what it names no more is destroyed in its token, if that is open."""
    before: list[KeyFile] = []

    def noting(file: KeyFile) -> KeyFile:
        before.append(file)
        return change(file)

    changed = change_key_file(path, passphrase, noting)
    if module is not None:
        kept = set(_token_keys(changed))
        for key in _token_keys(before[0]):
            if key not in kept and key.token == module.serial:
                module.destroy(key.object_id)
    return changed


def _token_keys(file: KeyFile) -> Iterator[TokenKey]:
    for generation in file.generations:
        yield from (key for key in generation.keys if isinstance(key, TokenKey))


def _tidied(file: KeyFile, at: datetime) -> KeyFile:
    """Without the keys that sign nothing any more (rule 3)."""
    replaced: set[str] = set()
    kept = []
    for generation in file.generations:
        keys = tuple(key for key in generation.keys if key.use not in replaced)
        kept.append(replace(generation, keys=keys))
        if has_begun(generation, at):
            replaced |= {key.use for key in keys} - {SEAL}
    return replace(file, generations=tuple(one for one in kept if one.keys))


def _without(file: KeyFile, is_gone: Callable[[Held], bool]) -> KeyFile:
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
