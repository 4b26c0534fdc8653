"""Key files: the private keys of one owner, encrypted at rest under a passphrase.

Rules:
1. A file is JSON with the key ids in clear, so that showing them needs no passphrase, and the seeds sealed: scrypt
   (RFC 7914) with n = 2^15, r = 8, p = 1, then AES-256-GCM with the clear members as associated data. Other parameters
   are refused: whoever can write the file must not choose how much memory the reader spends, nor how little a guess
   costs.
2. A file is written whole or not at all: mode 0600, flushed to disk, then put in its place in one step. An existing
   file is replaced only on request.
3. Seeds and passphrases are never printed, logged or put into an error.

One format serves authorities (four keys and their former sealing keys), operators and auditors (one Ed25519 key).
"""

from __future__ import annotations

import json
import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from client.signing import AuthorityKeys, Opener, Signer, SoftwareOpener, generate_authority_keys
from shared.domain.strict_json import NotStrictJson, encode_canonical_json, parse_strict_json
from shared.errors import KeyFileUnusable, PassphraseWrong
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer, MLDSA65Signer, XWingOpener, generate_ed25519
from shared.keys.public import OPERATOR, is_owner

FORMAT = "comity-keys/1"
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
CIPHER = "AES-256-GCM"
MIN_PASSPHRASE_CHARACTERS = 12
MAX_FILE_BYTES = 64 * 1024
_SALT_BYTES, _NONCE_BYTES = 16, 12

# Uses are named as in the directory; a former sealing key opens what was sealed before a rotation, and nothing new.
_SIGN_ED25519, _SIGN_MLDSA65, _API = "sign-ed25519", "sign-mldsa65", "api-ed25519"
_SEAL, _FORMER_SEAL = "seal-xwing", "former-seal-xwing"

SoftwareKey = Ed25519Signer | MLDSA65Signer | XWingOpener
_Key = TypeVar("_Key", Ed25519Signer, MLDSA65Signer, XWingOpener)
_KINDS: dict[str, type[SoftwareKey]] = {
    _SIGN_ED25519: Ed25519Signer,
    _SIGN_MLDSA65: MLDSA65Signer,
    _SEAL: XWingOpener,
    _API: Ed25519Signer,
    _FORMER_SEAL: XWingOpener,
}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key of a file: what it is for, and its 32-byte seed. Raises KeyError for an unknown use."""

    use: str
    seed: bytes = field(repr=False)

    def restore(self) -> SoftwareKey:
        """The key that the seed is. Raises KeyRefused."""
        return _KINDS[self.use](self.seed)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a key file holds."""

    owner: str
    keys: tuple[StoredKey, ...]

    def kids(self) -> list[dict[str, str]]:
        return [{"use": key.use, "kid": key.restore().kid(self.owner)} for key in self.keys]


def create_keystore(path: Path, passphrase: str, authority: str) -> AuthorityKeys:
    """New keys for an authority, durable in a new file on return.

    Raises KeyFileUnusable when the file exists or the passphrase is too short, KeyRefused for a bad authority id.
    """
    keys = generate_authority_keys(authority)
    save_keystore(path, passphrase, keys)
    return keys


def save_keystore(path: Path, passphrase: str, keys: AuthorityKeys, *, replace: bool = False) -> None:
    """Write a bundle of software keys, durable on return; with `replace`, over the file that is there.

    Raises KeyFileUnusable, also for a key that lies in hardware: its seed is not to be had.
    """
    stored = [
        _stored(path, _SIGN_ED25519, keys.ed25519),
        _stored(path, _SIGN_MLDSA65, keys.mldsa65),
        _stored(path, _SEAL, keys.sealing),
        _stored(path, _API, keys.api),
        *(_stored(path, _FORMER_SEAL, former) for former in keys.former_sealing),
    ]
    write_key_file(path, passphrase, KeyFile(keys.authority, tuple(stored)), replace=replace)


def load_keystore(path: Path, passphrase: str) -> AuthorityKeys:
    """The keys of an authority. Raises PassphraseWrong, KeyFileUnusable."""
    file = read_key_file(path, passphrase)
    return AuthorityKeys(
        authority=file.owner,
        ed25519=_one(path, file, _SIGN_ED25519, Ed25519Signer),
        mldsa65=_one(path, file, _SIGN_MLDSA65, MLDSA65Signer),
        sealing=SoftwareOpener(_one(path, file, _SEAL, XWingOpener)),
        api=_one(path, file, _API, Ed25519Signer),
        former_sealing=tuple(SoftwareOpener(XWingOpener(key.seed)) for key in file.keys if key.use == _FORMER_SEAL),
    )


def create_operator_key(path: Path, passphrase: str) -> Ed25519Signer:
    """A new operator key, which signs key events and API calls. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, OPERATOR, _SIGN_ED25519)


def load_operator_key(path: Path, passphrase: str) -> Ed25519Signer:
    """Raises PassphraseWrong, KeyFileUnusable."""
    return _one(path, read_key_file(path, passphrase), _SIGN_ED25519, Ed25519Signer)


def create_auditor_key(path: Path, passphrase: str, auditor: str) -> Ed25519Signer:
    """A new API key for an auditor, who signs calls and nothing else. Raises KeyFileUnusable."""
    return _create_single(path, passphrase, auditor, _API)


def load_auditor_key(path: Path, passphrase: str) -> tuple[str, Ed25519Signer]:
    """The auditor's id and API key. Raises PassphraseWrong, KeyFileUnusable."""
    file = read_key_file(path, passphrase)
    return file.owner, _one(path, file, _API, Ed25519Signer)


def read_kids(path: Path) -> tuple[str, list[dict[str, str]]]:
    """The owner and, for each key, `use` and `kid`, as the file names them in clear: nothing proves them before it is
    opened. Raises KeyFileUnusable."""
    document = _read_document(path)
    return document["owner"], document["kids"]


def write_key_file(path: Path, passphrase: str, file: KeyFile, *, replace: bool = False) -> None:
    """Durable on return. Raises KeyFileUnusable when the file exists (unless `replace`) or cannot be written."""
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise KeyFileUnusable(file=path, why=f"a passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters")
    if not is_owner(file.owner):
        raise KeyFileUnusable(file=path, why=f"{file.owner} cannot own a key")
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    kdf, cipher = _parameters(salt, nonce)
    clear = {"format": FORMAT, "owner": file.owner, "kids": file.kids(), "kdf": kdf, "cipher": cipher}
    seeds = [{"use": key.use, "seed": encode_b64u(key.seed)} for key in file.keys]
    sealed = AESGCM(_stretch(passphrase, salt)).encrypt(
        nonce, encode_canonical_json({"keys": seeds}), encode_canonical_json(clear)
    )
    document = json.dumps({**clear, "sealed": encode_b64u(sealed)}, indent=1).encode() + b"\n"
    try:
        _put_in_place(path, document, replace)
    except FileExistsError:
        raise KeyFileUnusable(file=path, why="it exists already, and keys are not overwritten") from None
    except OSError as broken:
        raise KeyFileUnusable(file=path, why=broken.strerror) from None


def read_key_file(path: Path, passphrase: str) -> KeyFile:
    """Raises PassphraseWrong (also when the file was altered: the two look the same), KeyFileUnusable."""
    clear = _read_document(path)
    try:
        sealed = parse_b64u(clear.pop("sealed"))
        salt, nonce = parse_b64u(clear["kdf"]["salt"], _SALT_BYTES), parse_b64u(clear["cipher"]["nonce"], _NONCE_BYTES)
    except (KeyError, AttributeError, TypeError, ValueError):
        raise KeyFileUnusable(file=path, why="a member is missing or is not base64url") from None
    if (clear["kdf"], clear["cipher"]) != _parameters(salt, nonce):
        raise KeyFileUnusable(file=path, why="it was sealed with other parameters than this format's")
    try:
        plaintext = AESGCM(_stretch(passphrase, salt)).decrypt(nonce, sealed, encode_canonical_json(clear))
    except InvalidTag:
        raise PassphraseWrong(file=path) from None
    keys = parse_strict_json(plaintext)["keys"]
    return KeyFile(clear["owner"], tuple(StoredKey(key["use"], parse_b64u(key["seed"])) for key in keys))


def _create_single(path: Path, passphrase: str, owner: str, use: str) -> Ed25519Signer:
    signer = generate_ed25519()
    write_key_file(path, passphrase, KeyFile(owner, (StoredKey(use, signer.seed),)))
    return signer


def _stored(path: Path, use: str, key: Signer | Opener) -> StoredKey:
    software = key.key if isinstance(key, SoftwareOpener) else key
    if not isinstance(software, _KINDS[use]):
        raise KeyFileUnusable(file=path, why=f"the {use} key does not lie in this process")
    return StoredKey(use, software.seed)


def _one(path: Path, file: KeyFile, use: str, kind: type[_Key]) -> _Key:
    for key in file.keys:
        if key.use == use:
            return kind(key.seed)
    raise KeyFileUnusable(file=path, why=f"it holds no {use} key: it belongs to another kind of owner")


def _parameters(salt: bytes, nonce: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    kdf = {"name": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "salt": encode_b64u(salt)}
    return kdf, {"name": CIPHER, "nonce": encode_b64u(nonce)}


def _stretch(passphrase: str, salt: bytes) -> bytes:
    """32 bytes. NFC first: the same keys pressed on two systems may come as two encodings of one text."""
    text = unicodedata.normalize("NFC", passphrase).encode()
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(text)


def _read_document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = parse_strict_json(file.read(MAX_FILE_BYTES))
    except OSError as broken:
        raise KeyFileUnusable(file=path, why=broken.strerror) from None
    except NotStrictJson:
        raise KeyFileUnusable(file=path, why="it is not JSON") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise KeyFileUnusable(file=path, why=f"it is not a key file of format {FORMAT}")
    if not isinstance(document.get("owner"), str) or not isinstance(document.get("kids"), list):
        raise KeyFileUnusable(file=path, why="it names no owner or no keys")
    return document


def _put_in_place(path: Path, document: bytes, replace: bool) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            path.hardlink_to(draft)  # fails when the file exists, where a rename would overwrite it
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
