"""A witness over HTTP: `POST /add-checkpoint` (C2SP tlog-witness), and what is asked of any process.

Rules:
1. Requests are decided one after the other: what is checked, kept and cosigned is one step for everybody else.
2. The new checkpoint is on the disk before the answer; where it cannot be kept, nothing is cosigned and 503 says so.
3. No cosignature is dated before an earlier one of the same log: the later would deny what the earlier said. A clock
   that was set back is told by 503, too.
4. What it cannot do it tries again when it is asked whether it is ready: nobody sends calls to one that is not.
5. Callers are not known. A log's signature is what lets a request cost anything; what it is worth is decided by
   `policy`, and nothing that a caller sends is repeated to it but sizes and reasons.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shared.audit.checkpoint import add_cosignatures
from shared.audit.notes import encode_signature_lines, parse_note, sign_text, stated_time
from shared.audit.tree_head import encode_tree_head
from shared.audit.witness_protocol import ADD_CHECKPOINT, MAX_REQUEST_BYTES, SIZE_TYPE, encode_size
from shared.errors import StoreUnavailable
from shared.runtime.connection_limits import ConnectionLimits
from shared.runtime.health import METRICS_TYPE, NOT_KEPT
from shared.runtime.http_server import HttpServer
from witness.keys import WitnessKeys
from witness.memory import WitnessMemory
from witness.policy import Continued, Refusal, Refused, WatchedLog, decide_checkpoint

LIMITS: Final = ConnectionLimits(connections=200, head_bytes=8192, message_bytes=MAX_REQUEST_BYTES + 4096)
RETRY_AFTER_S: Final = 30
"""After a checkpoint could not be kept."""
STATUS: Final = {
    Refusal.malformed: 400,
    Refusal.unknown_log: 404,
    Refusal.unsigned: 403,
    Refusal.old_size_too_large: 400,
    Refusal.other_size: 409,
    Refusal.inconsistent: 422,
}
"""As tlog-witness numbers them."""
_NOTE: Final = "text/plain; charset=utf-8"

log = structlog.get_logger()


class WitnessMeters:
    """What a witness counts of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.answers = Counter(
            "comity_witness_answers",
            "Checkpoints that were asked for, by what was said",
            ("outcome",),
            registry=registry,
        )
        self.evidence = Gauge(
            "comity_witness_evidence", "Checkpoints kept that a log signed against itself", registry=registry
        )
        self.keeps = Gauge("comity_witness_keeps", "1 unless the last checkpoint could not be kept", registry=registry)


class WitnessServer:
    """Answers on one socket."""

    def __init__(
        self, keys: WitnessKeys, memory: WitnessMemory, now: Callable[[], datetime], registry: CollectorRegistry
    ) -> None:
        self._keys = keys
        self._memory = memory
        self._now = now
        self._registry = registry
        self._meters = WitnessMeters(registry)
        self._meters.keeps.set(1)
        self._meters.evidence.set(memory.evidence())
        self._turn = asyncio.Lock()
        self._fault: str | None = None
        self._dated: dict[str, int] = {}
        """The date of the last cosignature of each log, in seconds since 1970."""
        routes = [
            Route(f"/{ADD_CHECKPOINT}", self._add_checkpoint, methods=["POST"]),
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            Route("/{place}/checkpoint", self._checkpoint),
        ]
        self.app = Starlette(routes=routes)
        self._server = HttpServer(self.app, LIMITS)

    @property
    def is_ready(self) -> bool:
        return self._server.is_ready

    async def run(self, stop: asyncio.Event, listener: socket.socket) -> None:
        """Answer on this socket until `stop` is set."""
        await self._server.run(stop, listener, lambda: None)

    async def _add_checkpoint(self, request: Request) -> Response:
        raw = await request.body()
        async with self._turn:  # rule 1
            decided = decide_checkpoint(raw, self._memory.find)
            try:
                return await self._refuse(decided) if isinstance(decided, Refused) else await self._cosign(decided)
            except StoreUnavailable as full:
                self._meters.keeps.set(0)
                return self._cannot("not-kept", str(full.facts["why"]), "the checkpoint cannot be kept here now")

    def _cannot(self, outcome: str, why: str, told: str) -> Response:
        """Rules 2 and 3. What the disk and the clock say is for whoever runs it."""
        self._fault = why
        self._meters.answers.labels(outcome).inc()
        log.error(f"witness.{outcome}", why=why)
        return PlainTextResponse(f"{told}\n", 503, headers={**NOT_KEPT, "Retry-After": str(RETRY_AFTER_S)})

    def _can(self) -> None:
        self._fault = None
        self._meters.keeps.set(1)

    async def _cosign(self, one: Continued) -> Response:
        text = encode_tree_head(one.head)
        timestamp_s = int(self._now().timestamp())
        behind = self._clock_behind(one.log, timestamp_s)
        if behind is not None:
            return self._cannot("clock-behind", behind, "this witness does not know what time it is")
        lines = [sign_text(text, signer, timestamp_s) for signer in self._keys.signers]
        if one.is_new:
            await asyncio.to_thread(self._memory.keep, one.log, one.head, add_cosignatures(one.note, lines))
            self._can()
            log.info("witness.cosigned", origin=one.log.origin, size=one.head.size, before=one.log.size)
        self._dated[one.log.origin] = timestamp_s
        self._meters.answers.labels("cosigned").inc()
        return Response(encode_signature_lines(lines), media_type=_NOTE, headers=NOT_KEPT)

    def _clock_behind(self, watched: WatchedLog, timestamp_s: int) -> str | None:
        """Why nothing of this log can be dated now (rule 3)."""
        last_s = max(self._dated.get(watched.origin, 0), self._dated_last(watched.note))
        if timestamp_s >= last_s:
            return None
        return f"the clock of this machine is {last_s - timestamp_s} s behind the last cosignature; set it right"

    def _dated_last(self, note: bytes | None) -> int:
        """The seconds since 1970 that this witness's own lines under a note state."""
        own = {(one.vkey.name, one.vkey.key_id) for one in self._keys.signers}
        lines = () if note is None else parse_note(note).signatures
        return max((stated_time(one) for one in lines if (one.name, one.key_id) in own), default=0)

    async def _try_again(self) -> None:
        """Rule 4: whether there is room for what it knows, and the clock is past every date that it gave."""
        async with self._turn:
            behind = (self._clock_behind(one, int(self._now().timestamp())) for one in self._memory.logs())
            self._fault = next(filter(None, behind), None)
            try:
                await asyncio.to_thread(self._memory.keep_again)
            except StoreUnavailable as full:
                self._fault = str(full.facts["why"])
            if self._fault is None:
                self._can()

    async def _refuse(self, refused: Refused) -> Response:
        self._meters.answers.labels(refused.refusal.value).inc()
        if refused.evidence is not None and await asyncio.to_thread(self._memory.keep_evidence, refused.evidence):
            self._meters.evidence.set(self._memory.evidence())
            log.error("witness.evidence", why=refused.why, size=refused.size)
        if refused.refusal is Refusal.other_size:
            # by header: a media type would be given a charset, which the specification's has not
            return Response(encode_size(refused.size), 409, headers={**NOT_KEPT, "Content-Type": SIZE_TYPE})
        return PlainTextResponse(f"{refused.why}\n", STATUS[refused.refusal], headers=NOT_KEPT)

    async def _checkpoint(self, request: Request) -> Response:
        """The newest checkpoint that was cosigned of one log, for whoever compares what two readers were shown."""
        known = self._memory.by_place(request.path_params["place"])
        if known is None or known.note is None:
            return PlainTextResponse("nothing was cosigned of such a log\n", 404, headers=NOT_KEPT)
        return Response(known.note, media_type=_NOTE, headers=NOT_KEPT)

    async def _livez(self, _: Request) -> Response:
        return JSONResponse({"alive": True}, headers=NOT_KEPT)

    async def _readyz(self, _: Request) -> Response:
        if self._fault is not None:
            await self._try_again()
        body = {"ready": self._fault is None, "why": self._fault, "logs": len(self._memory.logs())}
        return JSONResponse(body, 200 if self._fault is None else 503, headers=NOT_KEPT)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=METRICS_TYPE, headers=NOT_KEPT)
