"""The exchange's own keys, as files of its data directory: service keys, log keys, roster, trust file.

Rules:
1. Private keys lie in files of mode 600, one per service, so that each process can be given its own and no other. A
   file that others may use is refused. One that a container's platform mounts may be read by others, since that sets
   modes of its own (Kubernetes 440 and less; files that Docker mounts have those of the host, where the container's
   user does not exist: 444), and who else is in the container? It may be written or executed by nobody but its owner.
2. Files are written whole or not at all, and never over an existing key.
3. Operators' keys are not here: they are made and kept by people, and sign what is made here.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from shared.adapters.durable_file import write_durably
from shared.audit.notes import NoteSigner, SignatureType, encode_vkey
from shared.audit.quorum import rule_of
from shared.audit.signers import signer_from_seed
from shared.contracts.topology import SERVICES
from shared.errors import SettingsRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer, XWingOpener, generate_ed25519, generate_mldsa44, generate_xwing
from shared.keys.public import service_owner
from shared.keys.roster import Roster, ServiceKeys, draft_roster, sign_roster, verify_roster
from shared.keys.signed_document import encode_signed_document
from shared.keys.trust import Environment, Trust, encode_trust, parse_trust

KEYS: Final = "keys"
ROSTER_FILE: Final = "roster.json"
TRUST_FILE: Final = "trust.json"
LOG_FILE: Final = "log.json"
MAX_KEY_FILE_BYTES: Final = 4096
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_READ: Final = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True)
class ServiceKeyPair:
    """What one service signs and opens frames with."""

    service: str
    signer: Ed25519Signer
    opener: XWingOpener
    former: tuple[XWingOpener, ...] = ()
    """Those that the roster names as former ones."""

    @property
    def openers(self) -> Mapping[str, XWingOpener]:
        return {one.kid(service_owner(self.service)): one for one in (self.opener, *self.former)}

    @property
    def keys(self) -> ServiceKeys:
        return ServiceKeys(self.service, self.signer.public_key(), self.opener.public_key())


def init_exchange(
    directory: Path,
    origin: str,
    operators: Sequence[Ed25519Signer],
    quorum: int,
    now: datetime,
    environment: Environment,
    witness_policy: str = "none",
) -> Trust:
    """Make all keys of a new exchange, its roster and its trust file under `directory`.

    `operators` sign the roster. Raises SettingsRefused if there are keys already, TrustFileInvalid if what results
    could not be trusted, OSError.
    """
    keys = directory / KEYS
    if keys.exists():
        raise SettingsRefused(why=f"{keys} exists already; an exchange is initialised once")
    pairs = [ServiceKeyPair(service, generate_ed25519(), generate_xwing()) for service in SERVICES]
    log_seeds = new_log_seeds()
    gateway = next(pair for pair in pairs if pair.service == "gateway")
    trust = Trust(
        origin=origin,
        log_vkeys=log_vkeys(origin, log_seeds),
        operator_keys=tuple(operator.public_key() for operator in operators),
        operator_quorum=quorum,
        receipt_key=gateway.signer.public_key(),
        witness_policy=witness_policy,
        environment=environment,
    )
    roster = draft_roster(origin, now, [pair.keys for pair in pairs])
    signed_roster = encode_signed_document(roster, [sign_roster(roster, operator) for operator in operators])
    rule_of(trust)  # the keys of the witnesses, too, before anything is written
    keys.mkdir(parents=True, mode=0o700)
    for pair in pairs:
        write_service_keys(keys / f"{pair.service}.json", [pair])
    write_log_seeds(keys / LOG_FILE, [log_seeds])
    write_durably(directory / ROSTER_FILE, signed_roster, 0o644)
    write_durably(directory / TRUST_FILE, encode_trust(trust), 0o644)
    return trust


def load_trust(directory: Path) -> Trust:
    """Raises SettingsRefused when there is none, TrustFileInvalid."""
    return parse_trust(_read(directory / TRUST_FILE))


def load_roster(directory: Path, trust: Trust) -> Roster:
    """The roster, verified against the pinned operator keys. Raises SettingsRefused, RosterRefused."""
    return verify_roster(_read(directory / ROSTER_FILE), trust.operator_keys, trust.operator_quorum, trust.origin)


def load_service_keys(directory: Path, service: str, roster: Roster, are_mounted: bool = False) -> ServiceKeyPair:
    """Raises SettingsRefused when the file is missing, unreadable, open to others, or not what the roster says."""
    path = directory / KEYS / f"{service}.json"
    pairs = read_service_keys(path, service, are_mounted)
    known = roster.services.get(service)
    if known is not None:
        former = {one.seal.raw for one in known.former}
        for pair in pairs:
            if (pair.keys.sign.raw, pair.keys.seal.raw) == (known.sign.raw, known.seal.raw):
                openers = tuple(one.opener for one in pairs if one.keys.seal.raw in former)
                return replace(pair, former=openers)
    raise SettingsRefused(why=f"the keys in {path} are not those of the roster")


def read_service_keys(path: Path, service: str, are_mounted: bool = False) -> list[ServiceKeyPair]:
    """All pairs in this file, the newest first. Raises SettingsRefused."""
    document = _read_keys(path, are_mounted)
    try:
        return [
            ServiceKeyPair(service, Ed25519Signer(_seed(one, "sign")), XWingOpener(_seed(one, "seal")))
            for one in (document, *document.get("former", ()))
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_key_file(path) from None


def write_service_keys(path: Path, pairs: Sequence[ServiceKeyPair]) -> None:
    """The newest first. Raises OSError."""
    newest, *former = [{"sign": encode_b64u(one.signer.seed), "seal": encode_b64u(one.opener.seed)} for one in pairs]
    write_durably(path, json.dumps({**newest, **({"former": former} if former else {})}).encode(), 0o600)


def load_log_signers(directory: Path, trust: Trust, are_mounted: bool = False) -> tuple[NoteSigner, NoteSigner]:
    """The log's Ed25519 and ML-DSA-44 signers. Raises SettingsRefused."""
    seeds = find_log_seeds(directory / KEYS / LOG_FILE, trust.origin, trust.log_vkeys, TRUST_FILE, are_mounted)
    return (
        signer_from_seed(trust.origin, SignatureType.ED25519, seeds["ed25519"]),
        signer_from_seed(trust.origin, SignatureType.MLDSA44, seeds["mldsa44"]),
    )


def find_log_seeds(
    path: Path, origin: str, vkeys: tuple[str, str], named_by: str, are_mounted: bool = False
) -> dict[str, bytes]:
    """The pair in this file that has these verifier keys. Raises SettingsRefused."""
    for seeds in read_log_seeds(path, are_mounted):
        if set(log_vkeys(origin, seeds)) == set(vkeys):
            return seeds
    raise SettingsRefused(why=f"the keys in {path} are not those of {named_by}")


def read_log_seeds(path: Path, are_mounted: bool = False) -> list[dict[str, bytes]]:
    """All pairs in this file, the newest first. Raises SettingsRefused."""
    document = _read_keys(path, are_mounted)
    try:
        return [
            {name: _seed(one, name) for name in ("ed25519", "mldsa44")}
            for one in (document, *document.get("former", ()))
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_key_file(path) from None


def write_log_seeds(path: Path, seeds: Sequence[Mapping[str, bytes]]) -> None:
    """The newest first. Raises OSError."""
    newest, *former = [{name: encode_b64u(seed) for name, seed in one.items()} for one in seeds]
    write_durably(path, json.dumps({**newest, **({"former": former} if former else {})}).encode(), 0o600)


def new_log_seeds() -> dict[str, bytes]:
    return {"ed25519": generate_ed25519().seed, "mldsa44": generate_mldsa44().seed}


def log_vkeys(origin: str, seeds: Mapping[str, bytes]) -> tuple[str, str]:
    return (
        encode_vkey(signer_from_seed(origin, SignatureType.ED25519, seeds["ed25519"]).vkey),
        encode_vkey(signer_from_seed(origin, SignatureType.MLDSA44, seeds["mldsa44"]).vkey),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as missing:
        raise SettingsRefused(why=f"{path} cannot be read: {missing.strerror}") from None


def read_seeds(path: Path, names: Sequence[str], are_mounted: bool = False) -> dict[str, bytes]:
    """Raises SettingsRefused for a file that is missing, open to others (rule 1), or no key file."""
    document = _read_keys(path, are_mounted)
    try:
        return {name: _seed(document, name) for name in names}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_key_file(path) from None


def _seed(document: Any, name: str) -> bytes:
    return parse_b64u(document[name], 32)


def _no_key_file(path: Path) -> SettingsRefused:
    return SettingsRefused(why=f"{path} is no key file of the exchange")


def _read_keys(path: Path, are_mounted: bool) -> Any:
    """Raises SettingsRefused."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            raw = file.read(MAX_KEY_FILE_BYTES)
    except OSError as missing:
        raise SettingsRefused(why=f"{path} cannot be read: {missing.strerror}") from None
    refused, may, mend = _OTHERS, "use", f"run `chmod 600 {path}`"
    if are_mounted:
        refused, may, mend = _OTHERS & ~_OTHERS_READ, "change", "mount it with mode 440, or 444 from a host's file"
    if mode & refused:
        raise SettingsRefused(
            why=f"others may {may} the keys in {path} (mode {mode:04o}). Find out who could; then {mend}"
        )
    try:
        return json.loads(raw)
    except ValueError:
        raise _no_key_file(path) from None
