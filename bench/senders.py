"""Authorities that send at a rate of their own, whatever the answers are: an open load over HTTP.

Rules:
1. A sender keeps to its times. If answers are late, more calls are open, up to `MOST_OPEN`; a time that finds all of
   them open is missed, and counted.
2. Each letter is sealed and signed like any other, and each call is signed anew. A letter that was refused is sent
   again, the same bytes under the same id, when its sender's turn comes: never before `Retry-After` if it obeys.
3. It believes nothing but its own feed about what was delivered.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from client.signing import AuthorityKeys
from shared.apisig.sign import sign_request
from shared.contracts.api import MESSAGE_CONTENT_TYPE
from shared.domain.ids import encode_time, new_uuid7
from shared.keys.private import Ed25519Signer
from tests.counterparty import LIFE
from tests.exchange_process import ORIGIN
from tests.unit.envelope.workshop import Forgery, header_document, party

MESSAGES: Final = "/v1/messages"
MOST_OPEN: Final = 64
FEED_PAGE: Final = 500
TRY_AGAIN_S: Final = 0.25
"""Sooner than `Retry-After` says, so that a few senders are enough to keep an exchange busy."""
LOOK_EVERY_S: Final = 0.25


@dataclass(frozen=True)
class Letter:
    message: str
    body: bytes


@dataclass(frozen=True)
class Answered:
    """One attempt. `status` 0 is no answer at all."""

    at: float
    status: int
    code: str
    retry_after: str | None
    seconds: float


@dataclass
class Sender:
    """One authority, its letters, and what it heard."""

    authority: str
    url: str
    http: httpx2.AsyncClient
    answers: list[Answered] = field(default_factory=list)
    accepted: dict[str, float] = field(default_factory=dict)
    """Message → when its receipt came."""
    delivered: dict[str, float] = field(default_factory=dict)
    """Message → when its sender's feed said so."""
    rejected: set[str] = field(default_factory=set)
    missed: int = 0
    _letters: deque[Letter] = field(default_factory=deque)
    _cursor: str | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def keys(self) -> AuthorityKeys:
        return party(self.authority)

    def write_letters(self, count: int) -> None:
        """Seal letters ahead of the time when they are sent."""
        self._letters.extend(self._new_letter() for _ in range(count))

    async def send_at(self, per_second: float, until: float) -> None:
        """Submit at this rate until a moment of `time.monotonic`, and wait for the last answers."""
        due = time.monotonic()
        while (due := due + 1 / per_second) < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if len(self._open) >= MOST_OPEN:
                self.missed += 1
                continue
            task = asyncio.create_task(self.submit())
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        await asyncio.gather(*self._open)

    async def send_as_answered(self, until: float) -> None:
        """Submit one after the other, with a pause after a refusal."""
        while time.monotonic() < until:
            await self.submit()
            if self.answers[-1].status != 202:
                await asyncio.sleep(TRY_AGAIN_S)

    async def submit(self) -> None:
        letter = self._letters.popleft() if self._letters else self._new_letter()
        began = time.monotonic()
        answer = await self._call("POST", MESSAGES, letter.body)
        ended = time.monotonic()
        status = 0 if answer is None else answer.status_code
        code = answer.json()["code"] if answer is not None and status >= 400 else ""
        retry_after = None if answer is None else answer.headers.get("retry-after")
        self.answers.append(Answered(began, status, code, retry_after, ended - began))
        if status in (200, 202):
            self.accepted.setdefault(letter.message, ended)
        else:
            self._letters.append(letter)

    async def watch(self) -> None:
        """Read its own feed until cancelled."""
        while True:
            if not await self.read_feed():
                await asyncio.sleep(LOOK_EVERY_S)

    async def read_feed(self) -> int:
        """One page; how many entries there were."""
        after = f"&after={self._cursor}" if self._cursor else ""
        answer = await self._call("GET", f"/v1/feed?limit={FEED_PAGE}{after}")
        if answer is None or answer.status_code != 200:
            return 0
        page: dict[str, Any] = answer.json()
        self._cursor = page["next"]
        now = time.monotonic()
        for item in page["items"]:
            if item["type"] == "message.delivered":
                self.delivered.setdefault(item["message"], now)
            elif item["type"] == "message.rejected":
                self.rejected.add(item["message"])
        return len(page["items"])

    @property
    def undecided(self) -> set[str]:
        return self.accepted.keys() - self.delivered.keys() - self.rejected

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    async def _call(self, method: str, path: str, body: bytes = b"") -> httpx2.Response | None:
        own = self.keys.api
        assert isinstance(own, Ed25519Signer)
        content_type = MESSAGE_CONTENT_TYPE if body else None
        now = datetime.now(UTC)
        signed = sign_request(method, self.url + path, body, content_type, own, self.keys.api_kid, now)
        headers = signed if content_type is None else {**signed, "Content-Type": content_type}
        try:
            return await self.http.request(method, self.url + path, content=body or None, headers=headers)
        except httpx2.TransportError:
            return None

    def _new_letter(self) -> Letter:
        now = datetime.now(UTC)
        header = header_document(
            exchange=ORIGIN,
            id=new_uuid7(now),
            dossier=new_uuid7(now),
            sender=self.authority,
            sent_at=encode_time(now),
            expires_at=encode_time(now + LIFE),
        )
        sealed = Forgery(header=header, signers=(self.keys, self.keys)).seal().sign()
        return Letter(str(header["id"]), sealed.submission())
