"""What the parties asked and were told: every call with its start, its end and its answer, taken from the wire.

Rules:
1. Nothing is recorded of what a client believes, only what it sent and what came back. No answer is an answer too.
2. Appending is all that happens while the exchange runs; judging reads a finished list.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from typing_extensions import override

from gateway.cursors import parse_feed_cursor
from shared.audit.notes import parse_note
from shared.audit.tree_head import TreeHead, parse_tree_head
from shared.envelope.container import parse_submission
from shared.errors import ComityError

MESSAGES: Final = "/v1/messages"


@dataclass(frozen=True)
class Call:
    """One attempt of one call. `status` is None where the connection broke or no answer came in time."""

    party: str
    method: str
    path: str
    began: float
    ended: float
    status: int | None
    says_when: bool = False
    """Whether the answer has `Retry-After`."""
    code: str = ""
    """Of a problem."""


@dataclass(frozen=True)
class Submission:
    """A message as it was posted, with what was said to it."""

    call: Call
    message: str
    digest: str
    sender: str
    recipients: tuple[str, ...]
    dossier: str
    receipt: str | None
    decision: str | None
    """`accepted` or `rejected` where it was decided before."""


@dataclass(frozen=True)
class Fetch:
    """A reader asked for one message."""

    call: Call
    message: str


@dataclass(frozen=True)
class FeedRead:
    """`entries`: position → (type, message)."""

    call: Call
    after: int
    entries: dict[int, tuple[str, str]]


@dataclass(frozen=True)
class CheckpointRead:
    call: Call
    note: bytes


@dataclass
class History:
    """All of one campaign."""

    calls: list[Call] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)
    feeds: list[FeedRead] = field(default_factory=list)
    checkpoints: list[CheckpointRead] = field(default_factory=list)

    def note(self, call: Call, query: dict[str, str], sent: bytes, answer: bytes) -> None:
        self.calls.append(call)
        if call.method == "POST" and call.path == MESSAGES:
            self._note_submission(call, sent, answer)
        elif call.method != "GET":
            return
        elif call.path.startswith(f"{MESSAGES}/") and call.path.count("/") == MESSAGES.count("/") + 1:
            self.fetches.append(Fetch(call, call.path.rpartition("/")[2]))
        elif call.path == "/v1/feed" and call.status == 200:
            items = json.loads(answer)["items"]
            read = {parse_feed_cursor(item["cursor"]): (item["type"], item["message"]) for item in items}
            self.feeds.append(FeedRead(call, parse_feed_cursor(query.get("after")), read))
        elif call.path == "/log/checkpoint" and call.status == 200:
            self.checkpoints.append(CheckpointRead(call, answer))

    def _note_submission(self, call: Call, sent: bytes, answer: bytes) -> None:
        try:
            envelope = parse_submission(sent)
        except ComityError:
            return  # not a message; the call itself stands in `calls`
        said: dict[str, Any] = json.loads(answer) if call.status in (200, 202) else {}
        header = envelope.header
        self.submissions.append(
            Submission(
                call=call,
                message=header.id,
                digest=envelope.digest,
                sender=header.sender,
                recipients=header.recipients,
                dossier=header.dossier,
                receipt=said.get("receipt"),
                decision=said.get("decision"),
            )
        )


class RecordingTransport(httpx2.BaseTransport):
    """Passes calls on and notes them. `keeps_alive` is whether connections serve several calls."""

    def __init__(
        self, history: History, party: str, keeps_alive: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._history = history
        self._party = party
        self._clock = clock
        limits = httpx2.Limits(max_keepalive_connections=None if keeps_alive else 0)
        self._below = httpx2.HTTPTransport(limits=limits)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        began = self._clock()
        sent = request.read()
        try:
            response = self._below.handle_request(request)
            try:
                answer = response.read()
            finally:
                response.close()
        except httpx2.TransportError:
            self._note(request, began, None, sent, b"")
            raise
        self._note(request, began, response, sent, answer)
        return httpx2.Response(response.status_code, headers=response.headers, content=answer)

    @override
    def close(self) -> None:
        self._below.close()

    def _note(
        self, request: httpx2.Request, began: float, response: httpx2.Response | None, sent: bytes, answer: bytes
    ) -> None:
        is_problem = response is not None and response.status_code >= 400
        call = Call(
            party=self._party,
            method=request.method,
            path=request.url.path,
            began=began,
            ended=self._clock(),
            status=None if response is None else response.status_code,
            says_when=response is not None and "retry-after" in response.headers,
            code=_code(answer) if is_problem else "",
        )
        self._history.note(call, dict(request.url.params), sent, answer)


def heads_read(history: History) -> list[TreeHead]:
    """What every checkpoint that was read says, in the order of reading. Signatures are the auditor's to verify."""
    return [parse_tree_head(parse_note(read.note).text) for read in history.checkpoints]


def _code(answer: bytes) -> str:
    try:
        return str(json.loads(answer).get("code", ""))
    except (ValueError, AttributeError):
        return ""
