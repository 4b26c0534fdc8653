"""Key files, `comity-keys/2`: the private keys of one owner, in generations, encrypted at rest under a passphrase.

Rules:
1. A file is JSON with the key ids in clear, so that showing them needs no passphrase, and the seeds sealed: scrypt
   (RFC 7914), then AES-256-GCM with the clear members as associated data. `docs/spec/keys.md` is the format.
2. The costs of scrypt are read from the file within bounds, and refused outside them before anything is computed:
   whoever can write the file must not choose how much memory the reader spends, nor how little a guess costs.
3. A file is written whole or not at all: mode 0600, flushed to disk, then put in its place in one step. An existing
   file is replaced only on request.
4. A change reads, changes and writes under a lock, so that two commands at once lose no key; what a broken-off write
   left behind is removed then.
5. A file that others than its owner may read or write is refused, and the refusal says how to mend it.
6. Seeds and passphrases are never printed, logged or put into an error.

It knows nothing of what keys are for: `keystore` does.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from client.whole_file import locked, put_in_place, remove_drafts
from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import NotStrictJson, encode_canonical_json, parse_strict_json
from shared.errors import KeyFileUnusable, KeyRefused, PassphraseWrong
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer, MLDSA65Signer, PrivateKey, XWingOpener
from shared.keys.public import is_owner, kid

FORMAT: Final = "comity-keys/2"
CIPHER: Final = "AES-256-GCM"
SCRYPT_N: Final = 2**17
"""What new files are written with unless another cost is asked for: 128 MiB and some 0.3 s of one core for a guess."""
SCRYPT_N_READ: Final = (2**15, 2**16, 2**17, 2**18)
"""What is read, and nothing else: at least 32 MiB for a guess, at most 256 MiB for the reader."""
SCRYPT_R, SCRYPT_P = 8, 1
MIN_PASSPHRASE_CHARACTERS: Final = 12
MAX_FILE_BYTES: Final = 64 * 1024
MAX_GENERATIONS: Final = 64
_SALT_BYTES, _NONCE_BYTES, _OTHERS = 16, 12, stat.S_IRWXG | stat.S_IRWXO

KINDS: Final[dict[str, type[PrivateKey]]] = {
    "sign-ed25519": Ed25519Signer,
    "sign-mldsa65": MLDSA65Signer,
    "seal-xwing": XWingOpener,
    "api-ed25519": Ed25519Signer,
}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key of a file: what it is for, as the directory names it, and its 32-byte seed."""

    use: str
    seed: bytes = field(repr=False)

    def restore(self) -> PrivateKey:
        """The key that the seed is. Raises KeyRefused, also for a use that is none."""
        kind = KINDS.get(self.use)
        if kind is None:
            raise KeyRefused(alg=self.use, why="there is no such use")
        return kind(self.seed)

    def kid(self, owner: str) -> str:
        return self.restore().kid(owner)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key in a hardware token: its use, the token's serial number, the object's id, the raw public key."""

    use: str
    token: str
    object_id: bytes
    public: bytes

    def kid(self, owner: str) -> str:
        return kid(owner, self.public)


@dataclass(frozen=True, slots=True)
class StoredGeneration:
    """Keys that were made together. `since` is the time from which they act; None until the directory shows them."""

    made_at: datetime
    since: datetime | None
    keys: tuple[StoredKey | TokenKey, ...]

    def key(self, use: str) -> StoredKey | TokenKey | None:
        return next((key for key in self.keys if key.use == use), None)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a key file holds, the newest generation first; `cost` is scrypt's n, which a change keeps; None: today's."""

    owner: str
    generations: tuple[StoredGeneration, ...]
    cost: int | None = None

    def kids(self) -> list[dict[str, Any]]:
        """Of each key: `use`, `kid`, `made_at`, `since` (null until it acts), `token` (null: it lies in the file)."""
        return [
            {
                "use": key.use,
                "kid": key.kid(self.owner),
                "made_at": encode_time(generation.made_at),
                "since": None if generation.since is None else encode_time(generation.since),
                "token": key.token if isinstance(key, TokenKey) else None,
            }
            for generation in self.generations
            for key in generation.keys
        ]


def read_clear(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The owner and the key ids as the file names them in clear: nothing proves them before it is opened.

    Raises KeyFileUnusable.
    """
    document = _read_document(path)
    return document["owner"], document["kids"]


def change_key_file(
    path: Path, passphrase: str, change: Callable[[KeyFile], KeyFile], *, new_passphrase: str | None = None
) -> KeyFile:
    """What `change` makes of the file's content, durable in its place on return. If it raises, nothing was changed.

    Raises what reading and writing raise.
    """
    try:
        with locked(path):
            remove_drafts(path)
            changed = change(read_key_file(path, passphrase))
            write_key_file(path, passphrase if new_passphrase is None else new_passphrase, changed, replace=True)
    except OSError as broken:
        raise KeyFileUnusable(file=path, why=broken.strerror) from None
    return changed


def write_key_file(path: Path, passphrase: str, file: KeyFile, *, replace: bool = False) -> None:
    """Durable on return. Raises KeyFileUnusable when the file exists (unless `replace`) or cannot be written."""
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise KeyFileUnusable(file=path, why=f"a passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters")
    if not is_owner(file.owner):
        raise KeyFileUnusable(file=path, why=f"{file.owner} cannot own a key")
    if len(file.generations) > MAX_GENERATIONS:
        raise KeyFileUnusable(file=path, why=f"it would hold more than {MAX_GENERATIONS} generations: destroy old keys")
    cost = SCRYPT_N if file.cost is None else file.cost
    if cost not in SCRYPT_N_READ:
        admitted = ", ".join(map(str, SCRYPT_N_READ))
        raise KeyFileUnusable(file=path, why=f"its scrypt cost would be {cost}; readers admit {admitted}")
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    clear = {
        "format": FORMAT,
        "owner": file.owner,
        "kids": file.kids(),
        "kdf": {"name": "scrypt", "n": cost, "r": SCRYPT_R, "p": SCRYPT_P, "salt": encode_b64u(salt)},
        "cipher": {"name": CIPHER, "nonce": encode_b64u(nonce)},
    }
    sealed = AESGCM(_stretch(path, passphrase, salt, cost)).encrypt(
        nonce, encode_canonical_json({"generations": _encode(file.generations)}), encode_canonical_json(clear)
    )
    document = json.dumps({**clear, "sealed": encode_b64u(sealed)}, indent=1).encode() + b"\n"
    if len(document) > MAX_FILE_BYTES:
        raise KeyFileUnusable(file=path, why=f"it would have more than {MAX_FILE_BYTES} bytes: destroy old keys")
    try:
        put_in_place(path, document, replace)
    except FileExistsError:
        raise KeyFileUnusable(file=path, why="it exists already, and keys are not overwritten") from None
    except OSError as broken:
        raise KeyFileUnusable(file=path, why=broken.strerror) from None


def read_key_file(path: Path, passphrase: str) -> KeyFile:
    """Raises PassphraseWrong (also when the file was altered: the two look the same), KeyFileUnusable."""
    clear = _read_document(path)
    try:
        sealed = parse_b64u(clear.pop("sealed"))
        kdf, cipher = clear["kdf"], clear["cipher"]
        salt, nonce = parse_b64u(kdf["salt"], _SALT_BYTES), parse_b64u(cipher["nonce"], _NONCE_BYTES)
        named = (kdf["name"], kdf["r"], kdf["p"], cipher["name"])
        n = kdf["n"]
    except (KeyError, AttributeError, TypeError, ValueError):
        raise KeyFileUnusable(file=path, why="a member is missing or is not base64url") from None
    if named != ("scrypt", SCRYPT_R, SCRYPT_P, CIPHER) or type(n) is not int or n not in SCRYPT_N_READ:
        raise KeyFileUnusable(file=path, why="it was sealed with other parameters than this format's")
    try:
        plaintext = AESGCM(_stretch(path, passphrase, salt, n)).decrypt(nonce, sealed, encode_canonical_json(clear))
    except InvalidTag:
        raise PassphraseWrong(file=path) from None
    try:
        return KeyFile(clear["owner"], _parse(parse_strict_json(plaintext)["generations"]), n)
    except (KeyError, TypeError, ValueError):  # `from None`: the text in hand is the seeds
        raise KeyFileUnusable(file=path, why="what is sealed in it cannot be read by this version") from None


def _encode(generations: Sequence[StoredGeneration]) -> list[dict[str, Any]]:
    return [
        {
            "made_at": encode_time(one.made_at),
            "since": None if one.since is None else encode_time(one.since),
            "keys": [_encode_key(key) for key in one.keys],
        }
        for one in generations
    ]


def _encode_key(key: StoredKey | TokenKey) -> dict[str, str]:
    if isinstance(key, StoredKey):
        return {"use": key.use, "seed": encode_b64u(key.seed)}
    lies = {"token": key.token, "object_id": encode_b64u(key.object_id), "public": encode_b64u(key.public)}
    return {"use": key.use, **lies}


def _parse_key(key: Mapping[str, str]) -> StoredKey | TokenKey:
    if "seed" in key:
        return StoredKey(key["use"], parse_b64u(key["seed"]))
    return TokenKey(key["use"], key["token"], parse_b64u(key["object_id"]), parse_b64u(key["public"]))


def _parse(generations: Sequence[Mapping[str, Any]]) -> tuple[StoredGeneration, ...]:
    return tuple(
        StoredGeneration(
            parse_time(one["made_at"]),
            None if one["since"] is None else parse_time(one["since"]),
            tuple(_parse_key(key) for key in one["keys"]),
        )
        for one in generations
    )


def _stretch(path: Path, passphrase: str, salt: bytes, n: int) -> bytes:
    """32 bytes. NFC first: the same keys pressed on two systems may come as two encodings of one text."""
    try:
        text = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError:  # `from None`: that error carries the passphrase
        raise KeyFileUnusable(file=path, why="the passphrase is not text in UTF-8") from None
    return Scrypt(salt=salt, length=32, n=n, r=SCRYPT_R, p=SCRYPT_P).derive(text)


def _read_document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as broken:
        raise KeyFileUnusable(file=path, why=broken.strerror) from None
    if os.name == "posix" and mode & _OTHERS:
        raise KeyFileUnusable(file=path, why=f"others may use it (mode {mode:04o}); run `chmod 600 {path}`")
    if len(raw) > MAX_FILE_BYTES:
        raise KeyFileUnusable(file=path, why=f"it has more than {MAX_FILE_BYTES} bytes")
    try:
        document = parse_strict_json(raw)
    except NotStrictJson:
        raise KeyFileUnusable(file=path, why="it is not JSON, or was cut short") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise KeyFileUnusable(file=path, why=f"it is not a key file of format {FORMAT}")
    if not isinstance(document.get("owner"), str) or not isinstance(document.get("kids"), list):
        raise KeyFileUnusable(file=path, why="it names no owner or no keys")
    return document
