"""A witness's own keys: one Ed25519 and one ML-DSA-44 pair under its name, as a file that nobody else may read.

Both cosign: with ML-DSA-44 for policies that expect a quantum computer one day, with Ed25519 for logs and readers that
know nothing else. A policy names one of the two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.adapters.durable_file import sync_directory, write_durably
from shared.adapters.keyfiles import read_seeds
from shared.audit.notes import NoteSigner, SignatureType, encode_vkey, parse_vkey
from shared.audit.signers import signer_from_seed
from shared.errors import KeyRefused, SettingsRefused
from shared.keys.base64url import encode_b64u
from shared.keys.private import generate_ed25519, generate_mldsa44
from witness.memory import LOGS

NAME_FILE: Final = "witness.json"
KEY_FILE: Final = "key.json"
_TYPES: Final = {"mldsa44": SignatureType.MLDSA44, "ed25519": SignatureType.ED25519_COSIGNATURE}


@dataclass(frozen=True)
class WitnessKeys:
    """`signers` in the order in which they sign: ML-DSA-44, Ed25519."""

    name: str
    signers: tuple[NoteSigner, ...]

    @property
    def vkeys(self) -> list[str]:
        return [encode_vkey(signer.vkey) for signer in self.signers]


def init_witness(directory: Path, name: str) -> WitnessKeys:
    """Make a witness's directory, `logs` last: without it nothing serves. Raises SettingsRefused for a directory that
    holds anything else or cannot be written, and for the name."""
    try:
        _refuse_unless_free(directory)
        return _make_witness(directory, name)
    except OSError as failed:
        raise SettingsRefused(why=f"{failed.filename or directory} cannot be written: {failed.strerror}") from None
    except KeyRefused as bad:
        raise SettingsRefused(why=f"the name {name!r} cannot be a witness's: {bad.facts['why']}") from None


def _refuse_unless_free(directory: Path) -> None:
    if (directory / LOGS).exists():
        raise SettingsRefused(why=f"{directory} is a witness's already; another witness needs another directory")
    held = sorted(each.name for each in directory.iterdir() if _counts(each.name)) if directory.exists() else []
    if (directory / NAME_FILE).exists() or held == [KEY_FILE]:
        raise SettingsRefused(
            why=f"{directory} holds a witness that was not finished, or lost its folder {LOGS}; if it never served,"
            " delete the directory and repeat the command, otherwise retire it (docs/guide/witness.md)"
        )
    if held:
        raise SettingsRefused(why=f"{directory} holds other things ({held[0]}); a witness needs an empty directory")


def _counts(name: str) -> bool:
    """Hidden files are nobody's, and a volume's own folder is the disk's."""
    return not name.startswith(".") and name != "lost+found"


def _make_witness(directory: Path, name: str) -> WitnessKeys:
    seeds = {"mldsa44": generate_mldsa44().seed, "ed25519": generate_ed25519().seed}
    keys = _keys_of(name, seeds)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(directory / KEY_FILE, json.dumps({k: encode_b64u(v) for k, v in seeds.items()}).encode(), 0o600)
    write_durably(directory / NAME_FILE, json.dumps({"name": name, "vkeys": keys.vkeys}, indent=1).encode(), 0o644)
    (directory / LOGS).mkdir(mode=0o700)
    sync_directory(directory)
    return keys


def load_witness(directory: Path) -> WitnessKeys:
    """Raises SettingsRefused: no such witness, a key file open to others, or keys that are not those of its name."""
    name, vkeys = read_name(directory)
    keys = _keys_of(name, read_seeds(directory / KEY_FILE, tuple(_TYPES)))
    if keys.vkeys != vkeys:
        raise SettingsRefused(why=f"the keys in {directory / KEY_FILE} are not those of {directory / NAME_FILE}")
    return keys


def read_name(directory: Path) -> tuple[str, list[str]]:
    """The name and the vkeys, without a private key. Raises SettingsRefused."""
    file = directory / NAME_FILE
    try:
        document = json.loads(file.read_bytes())
        name, vkeys = str(document["name"]), [str(vkey) for vkey in document["vkeys"]]
        for vkey in vkeys:
            parse_vkey(vkey)
        return name, vkeys
    except FileNotFoundError:
        raise SettingsRefused(why=f"{file} is not there; `comity witness init` makes one") from None
    except OSError as broken:
        raise SettingsRefused(why=f"{file} cannot be read: {broken.strerror}") from None
    except (ValueError, KeyError, TypeError, KeyRefused):
        raise SettingsRefused(why=f"{file} is not as it was written; see docs/guide/witness.md") from None


def _keys_of(name: str, seeds: dict[str, bytes]) -> WitnessKeys:
    return WitnessKeys(name, tuple(signer_from_seed(name, type_, seeds[word]) for word, type_ in _TYPES.items()))
