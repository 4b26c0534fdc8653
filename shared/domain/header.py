"""The header of an envelope: what the exchange may see, signed by the sender.

Rules:
1. Closed: a field not named here refuses the whole envelope. Every field is present; what does not apply is null.
2. Codes, dates and ids only: no name, no fact, no domestic case number, no file name, nothing derived from the sealed
   parts (part keys derive from the header, so a digest of a part here would be circular).
3. The exact bytes that the sender signed travel; nobody re-serialises them.
4. This module checks form. Whether a kind exists and what its `act` must hold is the profile's data; whether the move
   is legal is intake's decision.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.domain.id_fields import AuthorityId, Digest, DossierId, MeasureId, MessageId, Timestamp
from shared.domain.ids import parse_time
from shared.domain.misfits import misfit_words
from shared.domain.strict_json import NotStrictJson, parse_strict_json
from shared.errors import (
    EnvelopeDowngraded,
    EnvelopeLivesTooLong,
    EnvelopeMalformed,
    EnvelopeTooLarge,
    EnvelopeUnknownField,
)

SUITE = "comity-env/1"
REQUIRED_SIGNATURES = ("Ed25519", "ML-DSA-65")
MAX_HEADER_BYTES = 16 * 1024
MAX_RECIPIENTS = 199  # 200 key wraps in all: the sender is among its own recipients
MAX_MEASURES = 50
MAX_LIFETIME_DAYS: Final = 90
MAX_LIFETIME: Final = timedelta(days=MAX_LIFETIME_DAYS)
"""From `sent_at` to `expires_at`: a stolen pair, or whoever holds a text back, can bring it no later than this."""

RECIPROCITY: Final = "reciprocity"
"""The primary basis of a leg without instrument: its assurance stands in the sealed body."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:()+-]{0,63}$")]
"""A closed-list code: lower case, no space, so that free text cannot hide in it."""


class Urgency(StrEnum):
    routine = "routine"
    urgent = "urgent"
    emergency = "emergency"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Basis(_Part):
    """Why one leg may be asked: its primary instrument or `reciprocity`, others cited, the accord that groups it."""

    primary: Code
    cited: Annotated[tuple[Code, ...], Field(max_length=10, strict=False)]
    group: Code | None


class Header(_Part):
    """The closed header schema of comity-env/1; `docs/spec/envelope.md` is its normative table.

    `leg` is null in a message that opens a dossier: it opens one leg per recipient, and `basis` gives each leg's own.
    In every later message `leg` names the requested authority whose leg it belongs to, and `basis` is null.
    `measures` maps each measure concerned to its type. `seen` is the digest of the last envelope on that leg.
    """

    v: Annotated[int, Field(ge=1, le=1)]  # Literal[1] would take `true`, which other readers refuse
    suite: Annotated[str, StringConstraints(max_length=64)]
    exchange: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    id: MessageId
    dossier: DossierId
    profile: Code
    kind: Code
    sender: AuthorityId
    recipients: Annotated[tuple[AuthorityId, ...], Field(min_length=1, max_length=MAX_RECIPIENTS, strict=False)]
    leg: AuthorityId | None
    measures: Annotated[dict[MeasureId, Code], Field(max_length=MAX_MEASURES)]
    basis: Annotated[dict[AuthorityId, Basis], Field(max_length=MAX_RECIPIENTS)] | None
    urgency: Annotated[Urgency, Field(strict=False)]
    handling: Annotated[tuple[Code, ...], Field(max_length=10, strict=False)]
    in_reply_to: MessageId | None
    seen: Digest | None
    sent_at: Timestamp
    expires_at: Timestamp
    required_sigs: Annotated[tuple[str, ...], Field(max_length=4, strict=False)]
    act: dict[str, Any]

    @property
    def sent(self) -> datetime:
        return parse_time(self.sent_at)

    @property
    def expires(self) -> datetime:
        return parse_time(self.expires_at)


def parse_header(raw: bytes) -> Header:
    """The header in these exact bytes.

    Raises EnvelopeTooLarge, EnvelopeUnknownField, EnvelopeDowngraded, EnvelopeLivesTooLong, or EnvelopeMalformed naming
    the field.
    """
    if len(raw) > MAX_HEADER_BYTES:
        raise EnvelopeTooLarge(what="header", limit=f"{MAX_HEADER_BYTES} bytes")
    try:
        document = parse_strict_json(raw)
    except NotStrictJson as broken:
        raise EnvelopeMalformed(why=f"its header is not strict JSON: {broken}") from None
    if isinstance(document, dict):
        _refuse_too_many_recipients(document.get("recipients"))
    try:
        header = Header.model_validate(document)
    except ValidationError as invalid:
        raise _named(invalid) from None
    if header.suite != SUITE or header.required_sigs != REQUIRED_SIGNATURES:
        raise EnvelopeDowngraded()
    if header.sender in header.recipients:
        raise EnvelopeMalformed(why="the sender is named among the recipients; it is sealed to in any case")
    if len(set(header.recipients)) != len(header.recipients):
        raise EnvelopeMalformed(why="a recipient is named twice")
    if header.expires <= header.sent:
        raise EnvelopeMalformed(why="it expires before it is sent")
    if header.expires - header.sent > MAX_LIFETIME:
        raise EnvelopeLivesTooLong(sent_at=header.sent_at, expires_at=header.expires_at, limit_days=MAX_LIFETIME_DAYS)
    return header


def encode_header(header: Header) -> bytes:
    """The bytes that the sender signs: JSON, UTF-8, no white space. Only the sender's client calls this, once."""
    return json.dumps(header.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()


def _refuse_too_many_recipients(recipients: object) -> None:
    if isinstance(recipients, list) and len(recipients) > MAX_RECIPIENTS:
        raise EnvelopeTooLarge(what="number of recipients", limit=MAX_RECIPIENTS)


def _named(invalid: ValidationError) -> EnvelopeUnknownField | EnvelopeMalformed:
    first = invalid.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step)[:64] for step in first["loc"]) or "header"
    if first["type"] == "extra_forbidden":
        return EnvelopeUnknownField(field=where)
    return EnvelopeMalformed(why=f"header field {where}: {misfit_words(first)}")
