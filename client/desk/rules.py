"""The desk of an authority: its officers, who stands for whom, and how many eyes a message needs. `comity-desk/1`.

Rules:
1. The desk is a document that the authority's own Ed25519 key signed: whoever holds the authority's passphrase names
   its officers. Each officer has a key of his own, with a passphrase of his own.
2. A message whose act counts approvals needs two officers, unless the desk says otherwise of its kind; any other one.
   One that needs several has a drafter, and approvers who did not draft it; what the sender signs is the sending.
3. An officer acts from `since` until `until`; a deputy acts as the one he stands for on the days named, and both names
   stand in what he signs. A deputy's eyes are his own: nobody is two officers.
4. In an emergency one officer may send alone; another one ratifies it later.
Pure: files and keys come from the caller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.domain.id_fields import AuthorityId, Timestamp
from shared.domain.ids import parse_time
from shared.domain.misfits import first_misfit
from shared.domain.profile_format import Kind
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import DeskUnusable, KeyRefused, OfficerRefused
from shared.keys.base64url import parse_b64u
from shared.keys.custody import Signer
from shared.keys.public import Ed25519Public
from shared.keys.signed_document import (
    encode_signed_document,
    parse_signed_document,
    sign_document,
    verify_quorum,
)
from shared.texts.catalogue import mark as _

DESK_DOMAIN: Final = b"comity-desk/1\x00"
EYES: Final = 2
"""How many officers a message needs whose act counts approvals: four eyes."""
MOST_EYES: Final = 5
RATIFY_DAYS: Final = 3
"""Within so many days another officer ratifies what one sent alone."""

OFFICER_PATTERN: Final = r"^[a-z][a-z0-9-]{1,31}$"
OfficerId = Annotated[str, StringConstraints(pattern=OFFICER_PATTERN)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Role(StrEnum):
    drafter = "drafter"
    approver = "approver"
    sender = "sender"


ROLE_WORDS: Final[Mapping[Role, str]] = {
    Role.drafter: _("drafter"),
    Role.approver: _("approver"),
    Role.sender: _("sender"),
}
"""What officers are called."""


class Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OfficerName(Closed):
    """An officer as the other side gets to know him. `key` is his public Ed25519 key in base64url."""

    id: OfficerId
    name: Words
    functions: Words
    key: str

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        try:
            self.public()
        except KeyRefused as refused:
            raise ValueError(refused.sentence()) from None
        return self

    def public(self) -> Ed25519Public:
        return Ed25519Public(parse_b64u(self.key))


class Officer(OfficerName):
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    since: Timestamp
    until: Timestamp | None = None

    def acts(self, at: datetime) -> bool:
        return parse_time(self.since) <= at and (self.until is None or at < parse_time(self.until))

    @property
    def shown(self) -> OfficerName:
        return OfficerName(id=self.id, name=self.name, functions=self.functions, key=self.key)


class Deputy(Closed):
    """`officer` stands for another from one day to another, both included (UTC)."""

    officer: OfficerId
    stands_for: OfficerId
    since: date
    until: date

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.until < self.since or self.officer == self.stands_for:
            raise ValueError("a deputy stands for another, and not backwards in time")
        return self


class Acting(Closed):
    """One officer in one role, perhaps in the place of another."""

    officer: OfficerName
    role: Role
    stands_for: OfficerId | None = None


class Desk(Closed):
    """`eyes` says of a kind how many officers it needs, where that is not the rule."""

    v: Literal[1] = 1
    authority: AuthorityId
    officers: tuple[Officer, ...] = ()
    deputies: tuple[Deputy, ...] = ()
    eyes: dict[str, Annotated[int, Field(ge=1, le=MOST_EYES)]] = {}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for what in ([one.id for one in self.officers], [one.key for one in self.officers]):
            if len(set(what)) != len(what):
                raise ValueError("an officer, or a key, stands twice")
        known = {one.id for one in self.officers}
        for deputy in self.deputies:
            if not {deputy.officer, deputy.stands_for} <= known:
                raise ValueError(f"{deputy.officer} or {deputy.stands_for} is no officer")
        return self

    def officer(self, name: str) -> Officer:
        """Raises OfficerRefused."""
        found = next((one for one in self.officers if one.id == name), None)
        if found is None:
            raise OfficerRefused(officer=name, why="the desk has no officer of this name")
        return found

    def acting(self, key: bytes, role: Role, at: datetime) -> Acting:
        """The officer with this public key in this role. Raises OfficerRefused."""
        own = next((one for one in self.officers if one.public().raw == key), None)
        if own is None:
            raise OfficerRefused(officer="whoever holds this key", why="the desk knows no officer with it")
        if not own.acts(at):
            raise OfficerRefused(officer=own.id, why=f"not in office at {at:%Y-%m-%d %H:%M} UTC")
        for stands_for in (None, *(one.stands_for for one in self.deputies if one.officer == own.id)):
            if self.may_act(own.id, role, stands_for, at):
                return Acting(officer=own.shown, role=role, stands_for=stands_for)
        raise OfficerRefused(officer=own.id, why=f"not in the role of {role}, and stands for nobody in it today")

    def may_act(self, name: str, role: Role, stands_for: str | None, at: datetime) -> bool:
        """Whether this officer is in office then, and has this role by himself or for that one. Raises
        OfficerRefused."""
        own = self.officer(name)
        if stands_for is None:
            return own.acts(at) and role in own.roles
        days = [one for one in self.deputies if (one.officer, one.stands_for) == (name, stands_for)]
        is_deputy = any(one.since <= at.date() <= one.until for one in days)
        return own.acts(at) and is_deputy and role in self.officer(stands_for).roles

    def eyes_for(self, kind: Kind) -> int:
        return self.eyes.get(kind.name, EYES if "approvals" in kind.act else 1)


def sign_desk(desk: Desk, signer: Signer) -> bytes:
    document = encode_canonical_json(json.loads(desk.model_dump_json()))
    return encode_signed_document(document, [sign_document(document, DESK_DOMAIN, signer, desk.authority)])


def verify_desk(raw: bytes, authority: str, keys: Sequence[Ed25519Public]) -> Desk:
    """The desk that this authority signed with one of these keys. Raises DeskUnusable."""
    try:
        signed = parse_signed_document(raw)
        verify_quorum(signed, DESK_DOMAIN, keys, 1, authority)
        desk = Desk.model_validate(parse_strict_json(signed.document))
    except ValidationError as invalid:
        raise DeskUnusable(why=first_misfit(invalid)) from None
    except ValueError as bad:
        raise DeskUnusable(why=str(bad)) from None
    if desk.authority != authority:
        raise DeskUnusable(why=f"it is the desk of {desk.authority}")
    return desk
