"""The trust file, `comity-trust/1`: what a party must know of an exchange before it believes anything else.

It is handed over in a ceremony, from person to person; nothing fetched from the network replaces it.
1. Closed format. Every member is present, but `pinned_keys`, `stamp_roots` and those that begin with `former_`, which
   may be absent and then are empty.
2. `log_vkeys` are the two verifier keys of the log (C2SP signed note: Ed25519 and ML-DSA-44), both named for `origin`.
   Their inner form is read by the ledger's verifier.
3. `witness_policy` is a C2SP tlog-policy or `none` (`witness_policy`). One that asks for no witness and a quorum of one
   operator are for development only, and refused elsewhere.
4. `pinned_keys` are kids that the ceremony has compared: they need no waiting time when first seen.
5. `stamp_roots` are X.509 certificates in DER, under which time-stamps over the ledger are believed. They are read when
   a stamp is.
6. `former_receipt_keys` are those that signed receipts before, each with the time until which it did: a receipt or
   statement of then is verified by the key of then.
7. `former_log_keys` are the log's pairs of before, the newest first, each with the number of entries that the log had
   when it was changed: what they signed counts for trees of at most that size.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.domain.id_fields import Timestamp
from shared.domain.ids import encode_time, parse_time
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import KeyIdMalformed, KeyRefused, TrustFileInvalid
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.public import Ed25519Public, parse_ed25519, parse_kid
from shared.keys.witness_policy import parse_witness_policy

TRUST_VERSION: Final = "comity-trust/1"
MAX_TRUST_BYTES: Final = 64 * 1024
MAX_STAMP_ROOTS: Final = 8
MAX_FORMER_RECEIPT_KEYS: Final = 8
MAX_FORMER_LOG_KEYS: Final = 8

Environment = Literal["development", "production"]


@dataclass(frozen=True, slots=True)
class FormerReceiptKey:
    """What it signed at `until` or before still counts."""

    key: Ed25519Public
    until: datetime


@dataclass(frozen=True, slots=True)
class FormerLogKeys:
    """What they signed still counts for trees of at most `size` entries."""

    vkeys: tuple[str, str]
    size: int


@dataclass(frozen=True, slots=True)
class Trust:
    """A checked trust file. `origin` is the log origin and the `exchange` of every header."""

    origin: str
    log_vkeys: tuple[str, str]
    operator_keys: tuple[Ed25519Public, ...]
    operator_quorum: int
    receipt_key: Ed25519Public
    witness_policy: str
    environment: Environment
    pinned_keys: tuple[str, ...] = ()
    stamp_roots: tuple[bytes, ...] = ()
    former_receipt_keys: tuple[FormerReceiptKey, ...] = ()
    former_log_keys: tuple[FormerLogKeys, ...] = ()

    @property
    def first_log_vkeys(self) -> tuple[str, str]:
        """Those that the log began with, as far as they are known here: they stay while keys are changed."""
        return self.former_log_keys[-1].vkeys if self.former_log_keys else self.log_vkeys

    @property
    def all_receipt_keys(self) -> tuple[Ed25519Public, ...]:
        return (self.receipt_key, *(one.key for one in self.former_receipt_keys))

    def __post_init__(self) -> None:
        """Raises TrustFileInvalid, so that no unsound trust can be written either."""
        _check(self)


def parse_trust(raw: bytes) -> Trust:
    """Raises TrustFileInvalid."""
    if len(raw) > MAX_TRUST_BYTES:
        raise TrustFileInvalid(why=f"it has more than {MAX_TRUST_BYTES} bytes")
    try:
        written = _TrustDocument.model_validate(parse_strict_json(raw))
        operator_keys = tuple(parse_ed25519(parse_b64u(key)) for key in written.operator_keys)
        receipt_key = parse_ed25519(parse_b64u(written.receipt_key))
        stamp_roots = tuple(parse_b64u(root) for root in written.stamp_roots)
        former = tuple(one.parse() for one in written.former_receipt_keys)
    except ValidationError as bad:
        raise TrustFileInvalid(why=first_misfit(bad)) from None
    except KeyRefused as bad:
        raise TrustFileInvalid(why=bad.sentence()) from None
    except ValueError as bad:
        raise TrustFileInvalid(why=bad) from None
    return Trust(
        origin=written.origin,
        log_vkeys=written.log_vkeys,
        operator_keys=operator_keys,
        operator_quorum=written.operator_quorum,
        receipt_key=receipt_key,
        witness_policy=written.witness_policy,
        environment=written.environment,
        pinned_keys=written.pinned_keys,
        stamp_roots=stamp_roots,
        former_receipt_keys=former,
        former_log_keys=tuple(FormerLogKeys(one.vkeys, one.size) for one in written.former_log_keys),
    )


def encode_trust(trust: Trust) -> bytes:
    """Canonical JSON; `parse_trust` gives the same trust back."""
    former = [{"key": encode_b64u(one.key.raw), "until": encode_time(one.until)} for one in trust.former_receipt_keys]
    former_log = [{"vkeys": list(one.vkeys), "size": one.size} for one in trust.former_log_keys]
    return encode_canonical_json(
        {
            "v": TRUST_VERSION,
            "origin": trust.origin,
            "log_vkeys": list(trust.log_vkeys),
            "operator_keys": [encode_b64u(key.raw) for key in trust.operator_keys],
            "operator_quorum": trust.operator_quorum,
            "receipt_key": encode_b64u(trust.receipt_key.raw),
            "witness_policy": trust.witness_policy,
            "environment": trust.environment,
            "pinned_keys": list(trust.pinned_keys),
            **({"stamp_roots": [encode_b64u(root) for root in trust.stamp_roots]} if trust.stamp_roots else {}),
            **({"former_receipt_keys": former} if former else {}),
            **({"former_log_keys": former_log} if former_log else {}),
        }
    )


def _check(trust: Trust) -> None:
    raws = [key.raw for key in trust.operator_keys]
    if len(set(raws)) != len(raws):
        raise TrustFileInvalid(why="an operator key stands twice")
    if not 1 <= trust.operator_quorum <= len(raws):
        raise TrustFileInvalid(why=f"a quorum of {trust.operator_quorum} among {len(raws)} operator keys")
    receipts = [key.raw for key in trust.all_receipt_keys]
    if set(receipts) & set(raws):
        raise TrustFileInvalid(why="the receipt key is an operator key")
    if len(set(receipts)) != len(receipts):
        raise TrustFileInvalid(why="a receipt key stands twice")
    logs = [trust.log_vkeys, *(one.vkeys for one in trust.former_log_keys)]
    vkeys = [key for pair in logs for key in pair]
    if len(set(vkeys)) != len(vkeys) or not all(key.startswith(f"{trust.origin}+") for key in vkeys):
        raise TrustFileInvalid(why="log_vkeys are two different verifier keys named for the origin")
    sizes = [one.size for one in trust.former_log_keys]
    if sizes != sorted(sizes, reverse=True) or any(size < 0 for size in sizes):
        raise TrustFileInvalid(why="former_log_keys stand with the newest first, each with the size that the log had")
    quorum = parse_witness_policy(trust.witness_policy).quorum
    if trust.environment != "development":
        if quorum is None:
            raise TrustFileInvalid(why="a ledger without witnesses is for development only")
        if trust.operator_quorum < 2:
            raise TrustFileInvalid(why="a single operator key decides in development only")
    try:
        for kid in trust.pinned_keys:
            parse_kid(kid)
    except KeyIdMalformed as bad:
        raise TrustFileInvalid(why=bad.sentence()) from None


class _FormerDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    key: str
    until: Timestamp

    def parse(self) -> FormerReceiptKey:
        return FormerReceiptKey(parse_ed25519(parse_b64u(self.key)), parse_time(self.until))


class _FormerLogDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    vkeys: tuple[str, str] = Field(strict=False)
    size: int = Field(ge=0, lt=2**53)


class _TrustDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    v: Literal["comity-trust/1"]
    origin: Annotated[str, StringConstraints(pattern=r"^[^\s+]{1,128}$")]
    log_vkeys: tuple[str, str] = Field(strict=False)
    operator_keys: tuple[str, ...] = Field(strict=False, min_length=1, max_length=16)
    operator_quorum: int
    receipt_key: str
    witness_policy: Annotated[str, StringConstraints(min_length=1)]
    environment: Environment
    pinned_keys: tuple[str, ...] = Field(default=(), strict=False, max_length=1000)
    stamp_roots: tuple[str, ...] = Field(default=(), strict=False, max_length=MAX_STAMP_ROOTS)
    former_receipt_keys: tuple[_FormerDocument, ...] = Field(
        default=(), strict=False, max_length=MAX_FORMER_RECEIPT_KEYS
    )
    former_log_keys: tuple[_FormerLogDocument, ...] = Field(default=(), strict=False, max_length=MAX_FORMER_LOG_KEYS)
