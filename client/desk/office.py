"""The desk at work in one home: its document, its drafts, and the rule that nothing leaves against it.

Rules:
1. Without a desk the holder of the passphrase sends alone, and no message claims approvals that were not given.
2. A desk that was set up here is never forgotten: one that is gone, set back or changed without the authority's key
   stops all sending.
3. A message leaves when as many officers signed it as the desk asks for. In an emergency one suffices, who says so;
   what he sent stays here until another officer ratified it. That each was entitled when he says that he signed is
   held against the desk once more when the message leaves: a draft is a file.
4. A program that holds the authority's keys alone acknowledges nothing: where there is a desk every message needs an
   officer, whose key is not in the home.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from client.desk.approvals import APPROVALS, Approved, matter_of, read_approvals
from client.desk.drafts import Draft, Drafts
from client.desk.rules import Acting, Desk, Role, sign_desk, verify_desk
from client.directory_watch import DirectoryWatch
from client.key_bundle import SIGN_ED25519
from client.register import Register
from client.sealing import Attachment, entries_of
from client.signing import AuthorityKeys
from client.whole_file import put_in_place
from shared.domain.header import Header, Urgency
from shared.domain.ids import encode_time, new_uuid7, parse_time
from shared.domain.profiles import kind_of
from shared.errors import (
    ApprovalMissing,
    DeskUnusable,
    DraftBusy,
    DraftOutdated,
    DraftUnknown,
    DraftUnusable,
    OfficerRefused,
)
from shared.keys.base64url import encode_b64u
from shared.keys.custody import Signer
from shared.keys.public import Ed25519Public

_KNOWN: Final = "desk-digest"
_NEXT: Final = "desk-digest-next"
"""Noted before the file is written, so that a change that was killed half way leaves one of the two desks in force."""


class Office:
    """`directory` tells which keys this authority ever signed with."""

    def __init__(
        self,
        folder: Path,
        keys: AuthorityKeys,
        register: Register,
        directory: Callable[[], DirectoryWatch],
        clock: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._register = register
        self._directory = directory
        self._clock = clock
        self.drafts = Drafts(folder / "drafts")

    # --- the desk itself ---------------------------------------------------------------------------------------------

    def desk(self) -> Desk | None:
        """None where none was set up. Raises DeskUnusable."""
        known = self._register.fact(_KNOWN)
        try:
            raw = self._file.read_bytes()
        except FileNotFoundError:
            if known is not None:
                raise DeskUnusable(why=f"{self._file} is gone") from None
            return None
        except OSError as broken:
            raise DeskUnusable(why=f"{self._file}: {broken.strerror}") from None
        if _digest(raw) not in (known, self._register.fact(_NEXT)):
            raise DeskUnusable(why=f"{self._file} is not the one that was made here last")
        return verify_desk(raw, self._keys.authority, self._publics())

    def require_desk(self) -> Desk:
        """Raises DeskUnusable."""
        desk = self.desk()
        if desk is None:
            raise DeskUnusable(why="none was set up here; `comity desk officer` makes one")
        return desk

    def change(self, desk: Desk) -> None:
        """Sign the desk and keep it; durable on return. Raises DeskUnusable."""
        raw = sign_desk(desk, self._keys.ed25519)
        verify_desk(raw, self._keys.authority, self._publics())
        self._register.note_fact(_NEXT, _digest(raw))
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            put_in_place(self._file, raw, replace=True)
        except OSError as broken:
            raise DeskUnusable(why=f"{self._file}: {broken.strerror}") from None
        self._register.note_fact(_KNOWN, _digest(raw))

    # --- drafts ------------------------------------------------------------------------------------------------------

    def draft(self, draft: Draft, signer: Signer) -> Draft:
        """A new one, signed by who drafted it; durable on return. Raises OfficerRefused, DraftUnusable."""
        signed = draft.signed_by(self._acting(signer, Role.drafter), signer, self._clock())
        self.drafts.keep(signed)
        return signed

    def approve(self, name: str, signer: Signer) -> Draft:
        """With the signature of the officer who holds this key; durable on return. Raises OfficerRefused, DraftBusy,
        DraftUnknown, DraftUnusable."""
        with self.drafts.held(name) as draft:
            acting = self._acting(signer, Role.approver)
            if acting.officer.id in draft.approved.drafters:
                why = "the drafter of this message: another one approves it"
                raise OfficerRefused(officer=acting.officer.id, why=why)
            signed = draft.signed_by(acting, signer, self._clock())
            self.drafts.keep(signed)
            return signed

    @contextmanager
    def sending(
        self, name: str, signer: Signer, *, alone: bool = False
    ) -> Iterator[tuple[Draft, Header, dict[str, Any]]]:
        """The draft as its sender signed it, with the header and the content to seal now.

        That it is sent as this message is kept before it is: it is not sent twice, whatever happens then, and what one
        officer sends alone is not forgotten. Afterwards it stands as `_settle` says. Raises ApprovalMissing,
        OfficerRefused, DraftOutdated, DraftBusy, DraftUnknown, DraftUnusable.
        """
        with self.drafts.held(name) as draft:
            signed, header, content = self._finish(draft, signer, alone)
            self.require(header, content, signed.attachments)
            self.drafts.keep(signed.model_copy(update={"message": header.id, "sent_at": header.sent_at}))
            try:
                yield signed, header, content
            finally:
                self._settle(self.drafts.load(name))

    def _finish(self, draft: Draft, signer: Signer, alone: bool) -> tuple[Draft, Header, dict[str, Any]]:
        now = self._clock()
        if draft.message is not None:
            raise DraftOutdated(draft=draft.name, why=f"it was sent as {draft.message}")
        header = draft.header
        if header.leg is not None and self._register.seen(header.dossier, header.leg) != header.seen:
            raise DraftOutdated(draft=draft.name, why="something happened on the leg that its officers had not read")
        signed = draft.signed_by(self._acting(signer, Role.sender), signer, now, alone=alone)
        lifetime = header.expires - header.sent
        fresh: dict[str, Any] = {
            "id": new_uuid7(now),
            "sent_at": encode_time(now),
            "expires_at": encode_time(now + lifetime),
        }
        if APPROVALS in kind_of(header.profile, header.kind).act:
            fresh["act"] = {**header.act, APPROVALS: len(signed.approved.approvers)}
        return signed, header.model_copy(update=fresh), {**draft.content, APPROVALS: signed.sealed}

    def ratify(self, name: str, signer: Signer) -> Draft:
        """Another officer stands by what one sent alone; then the draft is gone.

        Raises OfficerRefused, DraftOutdated, DraftBusy, DraftUnknown, DraftUnusable.
        """
        with self.drafts.held(name) as draft:
            if draft.message is None:
                raise DraftOutdated(draft=name, why="it was not sent yet: it is approved, not ratified")
            acting = self._acting(signer, Role.approver)
            if acting.officer.id in {one.officer for one in draft.approved.approvals}:
                raise OfficerRefused(officer=acting.officer.id, why="who sent it: another officer ratifies it")
            signed = draft.signed_by(acting, signer, self._clock())
            self._register.note_fact(f"ratified-{draft.message}", signed.signed[-1])
            self.drafts.discard(name)
            return draft

    def discard(self, name: str) -> None:
        """Raises DraftUnusable for what was sent, DraftBusy, DraftUnknown."""
        with self.drafts.held(name) as draft:
            if draft.message is not None:
                raise DraftUnusable(draft=name, why="it was sent by one alone, and waits to be ratified")
            self.drafts.discard(name)

    def _acting(self, signer: Signer, role: Role) -> Acting:
        return self.require_desk().acting(signer.public, role, self._clock())

    def _settle(self, draft: Draft) -> Draft | None:
        """The draft as it stands after its sending: gone if the message is on its way and nobody has to ratify it; a
        draft again, without its sender, if the message never left or was rejected."""
        if draft.message is None:
            return draft
        kept = self._register.message(draft.message)
        if kept is None or kept.state in ("rejected", "refused"):
            draft = draft.unsent()
            self.drafts.keep(draft)
        elif not draft.approved.is_alone:
            self.drafts.discard(draft.name)
            return None
        return draft

    def waiting(self) -> tuple[list[Draft], list[DraftUnusable]]:
        """Everything that waits for an officer, the oldest first, not what is being changed or sent; and what is wrong
        with those that nobody can use, which hide no other."""
        found: list[Draft] = []
        unusable: list[DraftUnusable] = []
        for name in self.drafts.names():
            try:
                with suppress(DraftBusy, DraftUnknown), self.drafts.held(name) as held:
                    settled = self._settle(held)
                    if settled is not None and settled.approved is not None:
                        found.append(settled)
            except DraftUnusable as spoilt:
                unusable.append(spoilt)
        return sorted(found, key=lambda one: one.header.id), unusable

    # --- the rule ----------------------------------------------------------------------------------------------------

    def require(self, header: Header, content: Mapping[str, Any], attachments: Sequence[Attachment]) -> None:
        """That the desk lets this message go. Raises ApprovalMissing, OfficerRefused, DeskUnusable."""
        desk = self.desk()
        if desk is None:
            if APPROVALS in content:
                raise DeskUnusable(why=f"none was set up here, and {APPROVALS} stand in the content")
            return
        needs = desk.eyes_for(kind_of(header.profile, header.kind))
        try:
            approved = self._approved(desk, header, content, attachments)
        except ValueError as bad:
            raise ApprovalMissing(kind=header.kind, needs=needs, why=f"its {bad}") from None
        if approved is None:
            raise ApprovalMissing(kind=header.kind, needs=needs, why="no officer signed it")
        if not approved.senders:
            raise ApprovalMissing(kind=header.kind, needs=needs, why="no sender signed it")
        is_allowed_alone = approved.is_alone and header.urgency is Urgency.emergency
        if approved.eyes < needs and not is_allowed_alone:
            raise ApprovalMissing(kind=header.kind, needs=needs, why=f"{approved.eyes} looked at it")

    def _approved(
        self, desk: Desk, header: Header, content: Mapping[str, Any], attachments: Sequence[Attachment]
    ) -> Approved | None:
        if APPROVALS not in content:
            return None
        matter = matter_of(header, content, entries_of(attachments))
        approved = read_approvals(header.sender, matter, content[APPROVALS])
        for named in approved.officers.values():
            if desk.officer(named.id).shown != named:
                raise ValueError(f"{APPROVALS} name {named.id} with another key than the desk does")
        for one in approved.approvals:
            if not desk.may_act(one.officer, one.role, one.stands_for, parse_time(one.at)):
                raise OfficerRefused(officer=one.officer, why=f"no {one.role} at {one.at}, when this was signed")
        return approved

    def _publics(self) -> list[Ed25519Public]:
        known = self._directory().latest.party(self._keys.authority)
        registered = () if known is None else known.keys
        return [key.public for key in registered if isinstance(key.public, Ed25519Public) and key.use == SIGN_ED25519]

    @property
    def _file(self) -> Path:
        return self._folder / "desk.json"


def _digest(raw: bytes) -> str:
    return encode_b64u(hashlib.sha256(raw).digest())
