"""A witness's own keys: one Ed25519 and one ML-DSA-44 pair under its name, as a file that nobody else may read.

Both cosign: with ML-DSA-44 for policies that expect a quantum computer one day, with Ed25519 for logs and readers that
know nothing else. A policy names one of the two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.adapters.durable_file import write_durably
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
    """Make a witness's directory. Raises SettingsRefused if there is one, KeyRefused for the name, OSError."""
    if (directory / KEY_FILE).exists() or (directory / LOGS).exists():
        raise SettingsRefused(why=f"{directory} is a witness's already; another witness needs another directory")
    seeds = {"mldsa44": generate_mldsa44().seed, "ed25519": generate_ed25519().seed}
    keys = _keys_of(name, seeds)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / LOGS).mkdir(mode=0o700)
    write_durably(directory / KEY_FILE, json.dumps({k: encode_b64u(v) for k, v in seeds.items()}).encode(), 0o600)
    write_durably(directory / NAME_FILE, json.dumps({"name": name, "vkeys": keys.vkeys}, indent=1).encode(), 0o644)
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
    except (OSError, ValueError, KeyError, TypeError, KeyRefused):
        raise SettingsRefused(why=f"{file} is not there or cannot be read; `comity witness init` makes one") from None


def _keys_of(name: str, seeds: dict[str, bytes]) -> WitnessKeys:
    return WitnessKeys(name, tuple(signer_from_seed(name, type_, seeds[word]) for word, type_ in _TYPES.items()))
