"""The roster: which keys the exchange's own services use between themselves, `comity-roster/1`.

    {"v":"comity-roster/1","exchange":…,"issued_at":…,"services":[{"service":…,"sign":b64u,"seal":b64u},…]}

A service may have a member `former`: [{"sign":b64u,"seal":b64u,"until":…},…], the keys it had before. The roster
may have a member `log_vkeys`: the log's two verifier keys, its present ones or those that come next

inside a signed document (see `signed_document`), the domain being "comity-roster/1" 00.
1. The operators sign it by quorum, as they sign enrolments: a broker or database cannot name a service.
2. A service stands in it once; no raw key stands in it twice.
3. What a former key signed counts if it was signed at `until` or before, by the time that stands in it: what services
   left for each other before their keys were changed is still read.
4. New keys of the log are announced by a roster before they sign anything, so that the log of before tells them. Which
   keys sign checkpoints says the trust file, and no roster.

It has no end of its own: services are given the roster by file and restarted with a new one when a key changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.domain.id_fields import Timestamp
from shared.domain.ids import encode_time, parse_time
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import KeyRefused, RosterRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public, XWingPublic, parse_ed25519, parse_xwing, service_owner
from shared.keys.signed_document import DocumentSignature, parse_signed_document, sign_document, verify_quorum

ROSTER_VERSION: Final = "comity-roster/1"
ROSTER_DOMAIN: Final = b"comity-roster/1\x00"
MAX_SERVICES: Final = 12
MAX_FORMER: Final = 2
"""Former pairs of one service, so that the roster fits a ledger entry; what older ones sealed is set aside."""


@dataclass(frozen=True, slots=True)
class FormerKeys:
    """What a service signed and opened with before its keys were changed."""

    sign: Ed25519Public
    seal: XWingPublic
    until: datetime


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """The two public keys of one service; all its processes share them."""

    service: str
    sign: Ed25519Public
    seal: XWingPublic
    former: tuple[FormerKeys, ...] = ()

    def raws(self) -> Iterator[bytes]:
        """All raw keys, former ones too."""
        yield from (self.sign.raw, self.seal.raw)
        for one in self.former:
            yield from (one.sign.raw, one.seal.raw)

    @property
    def sealing_kid(self) -> str:
        return self.seal.kid(service_owner(self.service))


@dataclass(frozen=True, slots=True)
class Roster:
    """A verified roster."""

    exchange: str
    issued_at: datetime
    services: Mapping[str, ServiceKeys]
    signed: bytes = b""
    """The document that was verified."""
    log_vkeys: tuple[str, str] | None = None

    @property
    def digest(self) -> str:
        """Of what the operators signed, b64u SHA-256: it names this roster."""
        return encode_b64u(hashlib.sha256(parse_signed_document(self.signed).document).digest())

    def signing_key(self, service: str) -> Ed25519Public | None:
        keys = self.services.get(service)
        return keys.sign if keys else None

    def signing_keys(self, service: str, at: datetime) -> list[Ed25519Public]:
        """By which it may have signed something at this time: its key, then former ones."""
        keys = self.services.get(service)
        return [] if keys is None else [keys.sign, *(one.sign for one in keys.former if at <= one.until)]

    def sealing_key(self, service: str) -> XWingPublic | None:
        keys = self.services.get(service)
        return keys.seal if keys else None


def verify_roster(raw: bytes, operator_keys: Sequence[Ed25519Public], quorum: int, exchange: str) -> Roster:
    """The roster in this document, signed by a quorum of the operators of `exchange`. Raises RosterRefused."""
    try:
        signed = parse_signed_document(raw)
        verify_quorum(signed, ROSTER_DOMAIN, operator_keys, quorum)
        written = _RosterDocument.model_validate(parse_strict_json(signed.document))
        if written.exchange != exchange:
            raise ValueError(f"it is for the exchange {written.exchange}, this one is {exchange}")
        services = {one.service: one.parse() for one in written.services}
        keys = [raw for one in services.values() for raw in one.raws()]
        if len(services) != len(written.services) or len(set(keys)) != len(keys):
            raise ValueError("a service or a key stands twice")
        log = written.log_vkeys
        if "log_vkeys" in written.model_fields_set and not _are_log_vkeys(log, exchange):
            raise ValueError("log_vkeys are two different verifier keys named for the origin")
    except ValidationError as bad:
        raise RosterRefused(why=first_misfit(bad)) from None
    except KeyRefused as bad:
        raise RosterRefused(why=bad.sentence()) from None
    except ValueError as bad:
        raise RosterRefused(why=bad) from None
    return Roster(written.exchange, parse_time(written.issued_at), services, raw, log)


def draft_roster(
    exchange: str, issued_at: datetime, services: Sequence[ServiceKeys], log_vkeys: tuple[str, str] | None = None
) -> bytes:
    """The exact bytes to sign with `sign_roster` and put together by `signed_document.encode_signed_document`."""
    entries = [
        {"service": one.service, **_written(one), **({"former": former} if (former := _former(one)) else {})}
        for one in services
    ]
    return encode_canonical_json(
        {
            "v": ROSTER_VERSION,
            "exchange": exchange,
            "issued_at": encode_time(issued_at),
            "services": entries,
            **({} if log_vkeys is None else {"log_vkeys": list(log_vkeys)}),
        }
    )


def _are_log_vkeys(vkeys: tuple[str, str] | None, exchange: str) -> bool:
    return vkeys is not None and vkeys[0] != vkeys[1] and all(key.startswith(f"{exchange}+") for key in vkeys)


def _written(keys: ServiceKeys | FormerKeys) -> dict[str, str]:
    return {"sign": encode_b64u(keys.sign.raw), "seal": encode_b64u(keys.seal.raw)}


def _former(keys: ServiceKeys) -> list[dict[str, str]]:
    return [{**_written(one), "until": encode_time(one.until)} for one in keys.former]


def sign_roster(roster: bytes, operator: Ed25519Signer) -> DocumentSignature:
    return sign_document(roster, ROSTER_DOMAIN, operator)


class _KeysDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    sign: str
    seal: str

    def keys(self) -> tuple[Ed25519Public, XWingPublic]:
        return parse_ed25519(parse_b64u(self.sign)), parse_xwing(parse_b64u(self.seal))


class _FormerDocument(_KeysDocument):
    until: Timestamp


class _ServiceDocument(_KeysDocument):
    service: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    former: tuple[_FormerDocument, ...] = Field(default=(), strict=False, max_length=MAX_FORMER)

    def parse(self) -> ServiceKeys:
        former = tuple(FormerKeys(*one.keys(), parse_time(one.until)) for one in self.former)
        return ServiceKeys(self.service, *self.keys(), former)


class _RosterDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    v: Literal["comity-roster/1"]
    exchange: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    issued_at: Timestamp
    services: tuple[_ServiceDocument, ...] = Field(strict=False, min_length=1, max_length=MAX_SERVICES)
    log_vkeys: tuple[str, str] | None = Field(default=None, strict=False)
