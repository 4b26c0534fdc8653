"""What the connections of callers may cost: uvicorn's protocol, which bounds next to nothing by itself, with bounds.

Rules:
1. A head is whole within `head_s`, has `head_bytes` and `head_fields` at most, and exactly one Host, without which
   HTTP/1.0 alone may come (RFC 9112 §3.2). A caller that asks for `100-continue` gets no second call on its connection:
   whether its body comes after a refusal, nobody could say.
2. A connection between two calls is kept for `idle_s`: longer than clients keep theirs, or theirs is the call that
   meets a closed door.
3. What still comes of a body whose call is answered is dropped, for `leftover_s` and `message_bytes` at most.
4. A caller that does not read its answer loses it after `unread_s`.
5. Of calls that are sent before earlier ones are answered, `pipelined` are kept. The rest is not read, and the
   connection ends after the last answer.
6. There are at most `connections`. For one more some are closed that are in no call: first those on which nothing
   whole ever came, the oldest of them first. A new one is refused only while all others are in calls.
7. Who breaks a bound is answered where no other answer is under way, and nothing more is read of it.

Times are told by a tick and are exact to `TICK_S`: a timer for each call would cost more than all the rest.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import httptools
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.runtime.connection_limits import ConnectionLimits, Refusal

TICK_S: Final = 0.5
CLOSED_TOGETHER: Final = 20
"""One part in so many of all connections is closed when there is no room: looking for them costs a look at each."""
FILES_KEPT: Final = 200
"""Open files that are left to the rest of the process, whatever number of connections is allowed."""
_QUEUED_BYTES: Final = 256 * 1024
"""Of a call that waits behind another on its connection."""


class _State(Enum):
    new = 0
    """Nothing has come yet."""
    head = 1
    body = 2
    whole = 3
    """The call has come whole; or the connection is between two."""
    refused = 4


class Connections:
    """All of one server. `make` is its factory of protocols; `tick` must be called every TICK_S."""

    def __init__(self, limits: ConnectionLimits, answers: Mapping[Refusal, bytes]) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = max(1, min(limits.connections, files - FILES_KEPT))
        self.limits = limits
        self.answers = answers
        self.now = 0.0
        self.open: dict[BoundedProtocol, None] = {}
        """First who came first."""

    def make(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> BoundedProtocol:
        return BoundedProtocol(self, config, server_state, app_state, _loop)

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.now = loop.time()
            self.tick()
            await asyncio.sleep(TICK_S)

    def tick(self) -> None:
        """End what has taken too long."""
        for one in list(self.open):
            one.judge_time()

    def make_room(self) -> bool:
        """For one more. False where all are in calls."""
        waiting = sorted((one for one in self.open if not one.is_in_call), key=lambda one: one.turn)
        for one in waiting[: max(1, self.most // CLOSED_TOGETHER)]:
            one.transport.abort()
            self.open.pop(one, None)
        return bool(waiting)


class BoundedProtocol(HttpToolsProtocol):
    def __init__(
        self,
        owner: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._owner = owner
        self._limits = owner.limits
        self.since = owner.now
        """When what this connection does now began: waiting, a head, a call."""
        self._state = _State.new
        self._received = 0
        """Of the message in hand. What comes in one piece with the end of an earlier one counts too."""
        self._has_body, self._bodiless = False, 0
        """Whether the last piece had any of the body, and how much came since: what else may stand between chunks."""
        self._hosts = self._fields = 0
        self._unread_since: float | None = None

    @property
    def is_in_call(self) -> bool:
        newest: RequestResponseCycle | None = self.cycle  # None until the first, whatever uvicorn's types say
        return newest is not None and not newest.response_complete

    @property
    def turn(self) -> tuple[bool, float]:
        """Who is closed first where there is no room."""
        return self._state is _State.whole, self.since

    def judge_time(self) -> None:
        """End the connection where it has taken too long (rules 1 to 4)."""
        limits, now = self._limits, self._owner.now
        if self.transport.is_closing():  # it closes when the caller has read what is left
            self._unread_since = self._unread_since or now
        if self._unread_since is not None and now - self._unread_since > limits.unread_s:
            self.transport.abort()
        elif self.is_in_call or self.transport.is_closing():
            return
        waited = now - self.since
        if self._state is _State.head:
            if waited > limits.head_s:
                self._refuse(Refusal.head_too_slow)
        elif waited > self._may_wait_s():
            self.transport.close()

    def _may_wait_s(self) -> float:
        if self._state is _State.new:
            return self._limits.head_s
        return self._limits.idle_s if self._state is _State.whole else self._limits.leftover_s

    # --- of asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # as uvicorn has it
        owner = self._owner
        if len(owner.open) >= owner.most and not owner.make_room():
            self._refuse(Refusal.full)
        owner.open[self] = None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.open.pop(self, None)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._state is _State.refused:
            self._received += len(data)
            if self._received > self._limits.message_bytes:
                self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # to nothing that this server speaks: the call is answered as if it had not asked
        except _Broken as broken:
            self._refuse(broken.why)
            return
        except httptools.HttpParserError as error:
            broken_by = error.__context__
            self._refuse(broken_by.why if isinstance(broken_by, _Broken) else Refusal.malformed)
            return
        self._received += len(data)
        self._bodiless = 0 if self._has_body else self._bodiless + len(data)
        self._has_body = False
        if self._state is _State.head:
            if self._received > self._limits.head_bytes:
                self._refuse(Refusal.head_too_large)
        elif self._received > (_QUEUED_BYTES if self.pipeline else self._limits.message_bytes) or (
            self._state is _State.body and self._bodiless > 2 * self._limits.head_bytes
        ):
            self._refuse(Refusal.too_large)

    @override
    def pause_writing(self) -> None:
        self._unread_since = self._owner.now
        super().pause_writing()

    @override
    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    # --- of the parser

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._state = _State.head
        self._received = self._bodiless = self._hosts = self._fields = 0
        self.since = self._owner.now

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > self._limits.head_fields:
            raise _Broken(Refusal.head_too_large)
        if self._state is not _State.head:
            return  # what trails a body is counted and no more: RFC 9110 section 6.5.1 forbids to merge it
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    @override
    def on_headers_complete(self) -> None:
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() != "1.0"):
            raise _Broken(Refusal.malformed)
        if len(self.pipeline) >= self._limits.pipelined:
            raise _Broken(Refusal.too_large)
        super().on_headers_complete()
        self._state = _State.body
        if self.expect_100_continue:
            self.cycle.keep_alive = False

    @override
    def on_body(self, body: bytes) -> None:
        self._has_body = True
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._state = _State.whole

    @override
    def on_response_complete(self) -> None:
        """As uvicorn has it, without a timer for each answer."""
        self.server_state.total_requests += 1
        self.since = self._owner.now
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.cycle.body.clear()  # nobody will ask for it, and the connection may stay
        if self._state is _State.body and any(name == b"transfer-encoding" for name, _ in self.headers):
            self._drop_rest()  # the parser would keep what trails the chunks, however long

    def _refuse(self, why: Refusal) -> None:
        """Read nothing more; answer, unless others are to be answered first."""
        self._state = _State.refused
        self.since, self._received = self._owner.now, 0
        if self.is_in_call and not self._give_up_call():
            return
        self.transport.write(self._owner.answers[why])
        if why is Refusal.full:
            self.transport.close()
        else:
            self._drop_rest()

    def _drop_rest(self) -> None:
        """What was sent before the caller reads its answer is dropped unread, for a while."""
        self._state, self._received = _State.refused, 0
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _give_up_call(self) -> bool:
        """Nothing more comes of it: true where its answer is still to be made. Others are left to end by themselves."""
        cycle = self.cycle
        if cycle.more_body and self.pipeline:
            self.transport.abort()
        elif cycle.more_body and not cycle.response_started:
            cycle.disconnected = cycle.response_complete = True
            cycle.message_event.set()
            return True
        cycle.keep_alive = False
        return False


class _Broken(Exception):
    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why = why
