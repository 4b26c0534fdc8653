"""Messages that wait for their officers: drafted, approved, sent, or sent by one alone and to be ratified.

One file each in the home, readable by its owner alone, whole on the disk when a change returns. It holds the message as
it will be sealed, in clear, inside the perimeter; it goes once the message is on its way and nobody has to ratify it.
Whoever changes or sends one holds it meanwhile, so that no signature is lost and nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from client.desk.approvals import (
    APPROVALS,
    NOBODY,
    Approved,
    matter_of,
    read_approvals,
    sealed_approvals,
    sign_approval,
)
from client.desk.rules import RATIFY_DAYS, Acting, Closed, OfficerName, Role
from client.sealing import Attachment, entries_of
from client.whole_file import lock_of, locked, put_in_place
from shared.domain.header import Header
from shared.domain.ids import encode_time, parse_time
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import parse_strict_json
from shared.errors import DraftBusy, DraftUnknown, DraftUnusable, OfficerRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.custody import Signer

MAX_DRAFT_BYTES: Final = 64 * 1024 * 1024
NAME_CHARACTERS: Final = 8
"""Of a message's id, from its end: how a draft is called."""


class DraftedFile(Closed):
    name: str
    media_type: str
    data: str


class Draft(Closed):
    """`header` has the ids and times of the drafting; it gets new ones when it is sent. `message` is then its id."""

    v: int = 1
    header: Header
    content: dict[str, Any]
    files: tuple[DraftedFile, ...] = ()
    officers: tuple[OfficerName, ...] = ()
    signed: tuple[str, ...] = ()
    message: str | None = None
    sent_at: str | None = None

    @property
    def name(self) -> str:
        return self.header.id[-NAME_CHARACTERS:]

    @property
    def attachments(self) -> list[Attachment]:
        return [Attachment(one.name, one.media_type, parse_b64u(one.data)) for one in self.files]

    @property
    def matter(self) -> str:
        return matter_of(self.header, self.content, entries_of(self.attachments))

    @property
    def approved(self) -> Approved:
        """Raises DraftUnusable: a draft that was changed after it was signed says so."""
        if not self.signed:
            return NOBODY
        try:
            return read_approvals(self.header.sender, self.matter, self.sealed)
        except ValueError as bad:
            raise DraftUnusable(draft=self.name, why=f"it was changed after an officer signed it ({bad})") from None

    @property
    def sealed(self) -> dict[str, Any]:
        return sealed_approvals(self.officers, self.signed)

    @property
    def ratify_by(self) -> datetime | None:
        """By when another officer ratifies what one sent alone."""
        return None if self.sent_at is None else parse_time(self.sent_at) + timedelta(days=RATIFY_DAYS)

    def signed_by(self, acting: Acting, signer: Signer, at: datetime, *, alone: bool = False) -> Draft:
        """With this officer's signature. Raises OfficerRefused where he signed in this role before,
        DraftUnusable."""
        approved = self.approved
        if any((one.officer, one.role) == (acting.officer.id, acting.role) for one in approved.approvals):
            raise OfficerRefused(officer=acting.officer.id, why=f"already signed as {acting.role}")
        text = sign_approval(self.header.sender, self.matter, acting, signer, encode_time(at), alone=alone)
        others = tuple(one for one in self.officers if one.id != acting.officer.id)
        return self.model_copy(update={"officers": (*others, acting.officer), "signed": (*self.signed, text)})

    def unsent(self) -> Draft:
        """As it was before its sender signed it."""
        left = [
            (one.officer, text)
            for one, text in zip(self.approved.approvals, self.signed, strict=True)
            if one.role is not Role.sender
        ]
        named = {name for name, _ in left}
        officers = tuple(one for one in self.officers if one.id in named)
        signed = tuple(text for _, text in left)
        return self.model_copy(update={"officers": officers, "signed": signed, "message": None, "sent_at": None})


def draft_of(header: Header, content: dict[str, Any], attachments: list[Attachment]) -> Draft:
    files = tuple(
        DraftedFile(name=one.name, media_type=one.media_type, data=encode_b64u(one.data)) for one in attachments
    )
    said = {name: value for name, value in content.items() if name != APPROVALS}
    return Draft(header=header, content=said, files=files)


class Drafts:
    """All drafts of one home."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, draft: Draft) -> None:
        """Durable on return. Raises DraftUnusable."""
        raw = draft.model_dump_json().encode()
        if len(raw) > MAX_DRAFT_BYTES:
            raise DraftUnusable(draft=draft.name, why=f"it has more than {MAX_DRAFT_BYTES} bytes with its attachments")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            put_in_place(self._file(draft.name), raw, replace=True)
        except OSError as broken:
            raise DraftUnusable(draft=draft.name, why=broken.strerror) from None

    @contextmanager
    def held(self, name: str) -> Iterator[Draft]:
        """The draft, which nobody else changes or sends meanwhile. Raises DraftBusy, DraftUnknown, DraftUnusable."""
        self.load(name)  # a name that is none makes no file
        with ExitStack() as lock:
            try:
                lock.enter_context(locked(self._file(name), wait=False))
            except BlockingIOError:
                raise DraftBusy(draft=name) from None
            except OSError as broken:
                raise DraftUnusable(draft=name, why=broken.strerror) from None
            yield self.load(name)

    def names(self) -> list[str]:
        """Of every draft that lies here, whether it can be used or not."""
        return sorted(file.stem for file in self._folder.glob("*.json"))

    def load(self, name: str) -> Draft:
        """Raises DraftUnknown, DraftUnusable."""
        if len(name) != NAME_CHARACTERS or not name.isalnum():
            raise DraftUnknown(draft=name[:64])
        try:
            with self._file(name).open("rb") as file:
                raw = file.read(MAX_DRAFT_BYTES + 1)
            return Draft.model_validate(parse_strict_json(raw))
        except FileNotFoundError:
            raise DraftUnknown(draft=name) from None
        except OSError as broken:
            raise DraftUnusable(draft=name, why=broken.strerror) from None
        except ValidationError as invalid:
            raise DraftUnusable(draft=name, why=first_misfit(invalid)) from None
        except ValueError as bad:
            raise DraftUnusable(draft=name, why=str(bad)) from None

    def discard(self, name: str) -> None:
        """By whoever holds it. Raises DraftUnusable."""
        file = self._file(name)
        try:
            file.unlink(missing_ok=True)
            lock_of(file).unlink(missing_ok=True)  # whoever waits for it finds no draft any more
        except OSError as broken:
            raise DraftUnusable(draft=name, why=broken.strerror) from None

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"
