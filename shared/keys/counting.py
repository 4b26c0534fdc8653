"""What the directory answers when it is asked whose keys count: the keys, without their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.keys.public import Ed25519Public, MLDSA65Public, XWingPublic


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The pair that signs a party's envelopes."""

    party: str
    ed25519_kid: str
    ed25519: Ed25519Public
    mldsa65_kid: str
    mldsa65: MLDSA65Public


@dataclass(frozen=True, slots=True)
class SealingKey:
    party: str
    kid: str
    public: XWingPublic
    not_after: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    party: str
    kid: str
    public: Ed25519Public
    not_after: datetime
