"""Officers' approvals of a message: what each signs, what travels sealed in the body, what the other side counts.

Rules:
1. What is signed is the *matter*: everything that the message says and to whom, but for the approvals themselves and
   the id and times that it gets when it is sent. Change a word, a file or a recipient, and no approval fits.
2. `content.approvals` holds the officers who signed, with their public keys, and what they signed. The authority
   vouches for its officers with its own signatures over the envelope: the other side learns names, and knows no desk.
3. `act.approvals`, where the kind has it, is how many officers approved who did not draft it. A reader refuses a body
   with approvals that do not verify, or that are not as many as the header says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError

from client.desk.rules import Acting, Closed, OfficerId, OfficerName, Role
from shared.domain.header import Header
from shared.domain.id_fields import AuthorityId, Digest, Timestamp
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.envelope.body import AttachmentEntry
from shared.keys.base64url import encode_b64u
from shared.keys.custody import Signer
from shared.keys.signed_document import encode_signed_document, parse_signed_document, sign_document, verify_quorum

APPROVALS: Final = "approvals"
MOST_APPROVALS: Final = 8
_APPROVAL_DOMAIN: Final = b"comity-approval/1\x00"
_MATTER_DOMAIN: Final = b"comity-matter/1\x00"
_GIVEN_WHEN_SENT: Final = frozenset({"id", "sent_at", "expires_at"})
_NOT_APPROVED: Final = "approvals do not verify"


class Approval(Closed):
    """What one officer signs. `alone` says that he sends in an emergency what others have still to ratify."""

    v: Literal["comity-approval/1"]
    authority: AuthorityId
    matter: Digest
    officer: OfficerId
    role: Role
    stands_for: OfficerId | None
    alone: bool
    at: Timestamp


class _Sealed(Closed):
    officers: tuple[OfficerName, ...]
    signed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """Who signed a message, in the order of signing."""

    officers: Mapping[str, OfficerName]
    approvals: tuple[Approval, ...]

    @property
    def drafters(self) -> frozenset[str]:
        return self._in(Role.drafter)

    @property
    def approvers(self) -> frozenset[str]:
        """Who approved it and did not draft it."""
        return self._in(Role.approver) - self.drafters

    @property
    def eyes(self) -> int:
        """How many officers looked at it: of several, at least one approved what he did not draft."""
        return len({one.officer for one in self.approvals}) if self.approvers else min(1, len(self.approvals))

    @property
    def is_alone(self) -> bool:
        return any(one.alone and one.role is Role.sender for one in self.approvals)

    @property
    def senders(self) -> frozenset[str]:
        return self._in(Role.sender)

    def _in(self, role: Role) -> frozenset[str]:
        return frozenset(one.officer for one in self.approvals if one.role is role)


NOBODY: Final = Approved({}, ())


def matter_of(header: Header, content: Mapping[str, Any], attachments: Sequence[AttachmentEntry]) -> str:
    """The digest of what the officers approve."""
    clear = {name: value for name, value in header.model_dump(mode="json").items() if name not in _GIVEN_WHEN_SENT}
    clear["act"] = {name: value for name, value in header.act.items() if name != APPROVALS}
    said = {name: value for name, value in content.items() if name != APPROVALS}
    files = [[one.name, one.media_type, one.size, one.sha256] for one in attachments]
    matter = json.dumps([clear, said, files], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return encode_b64u(hashlib.sha256(_MATTER_DOMAIN + matter.encode()).digest())


def sign_approval(authority: str, matter: str, acting: Acting, signer: Signer, at: str, *, alone: bool = False) -> str:
    approval = Approval(
        v="comity-approval/1",
        authority=authority,
        matter=matter,
        officer=acting.officer.id,
        role=acting.role,
        stands_for=acting.stands_for,
        alone=alone,
        at=at,
    )
    document = encode_canonical_json(approval.model_dump(mode="json"))
    return encode_signed_document(document, [sign_document(document, _APPROVAL_DOMAIN, signer, authority)]).decode()


def sealed_approvals(officers: Sequence[OfficerName], signed: Sequence[str]) -> dict[str, Any]:
    """The member of the content."""
    return {"officers": [one.model_dump(mode="json") for one in officers], "signed": list(signed)}


def read_approvals(authority: str, matter: str, sealed: object) -> Approved:
    """Who signed this matter. Raises ValueError for anything that is not a whole set of sound approvals of it."""
    try:
        held = _Sealed.model_validate(sealed)
    except ValidationError as invalid:
        raise ValueError(f"{_NOT_APPROVED}: {invalid.error_count()} members do not fit") from None
    officers = {one.id: one for one in held.officers}
    keys = {one.key for one in held.officers}
    if not len(officers) == len(keys) == len(held.officers) or len(held.signed) > MOST_APPROVALS:
        raise ValueError(f"{_NOT_APPROVED}: an officer or a key stands twice, or there are too many")
    approvals = tuple(_read_approval(authority, matter, officers, text) for text in held.signed)
    if {one.officer for one in approvals} != officers.keys():
        raise ValueError(f"{_NOT_APPROVED}: an officer is named who signed nothing")
    return Approved(officers, approvals)


def approvals_contradiction(
    header: Header, content: Mapping[str, Any], attachments: Sequence[AttachmentEntry]
) -> str | None:
    """The member of the header that the approvals in a body do not bear out; None if they do, or if it has none."""
    if APPROVALS not in content:
        return None
    try:
        approved = read_approvals(header.sender, matter_of(header, content, attachments), content[APPROVALS])
    except ValueError:
        return f"act.{APPROVALS}"
    said = header.act.get(APPROVALS)
    return None if said in (None, len(approved.approvers)) else f"act.{APPROVALS}"


def _read_approval(authority: str, matter: str, officers: Mapping[str, OfficerName], text: str) -> Approval:
    signed = parse_signed_document(text.encode())
    try:
        approval = Approval.model_validate(parse_strict_json(signed.document))
    except ValidationError as invalid:
        raise ValueError(f"{_NOT_APPROVED}: {invalid.error_count()} members do not fit") from None
    if approval.officer not in officers or approval.authority != authority or approval.matter != matter:
        raise ValueError(f"{_NOT_APPROVED}: it is of another officer, authority or matter")
    verify_quorum(signed, _APPROVAL_DOMAIN, [officers[approval.officer].public()], 1, authority)
    return approval
