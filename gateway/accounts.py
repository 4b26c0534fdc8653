"""What the gateway tells the ledger of itself: who of the auditors read today, and what it refused.

Rules:
1. An auditor's first reading of a day is on the bus, with its signed call, before it is answered. The ledger has one
   leaf a day for each auditor, whichever gateways it asks.
2. Refusals are counted by code, and by the party that signed the call where a signature verified: nobody writes the
   name of another into the ledger by claiming it. Once a minute the counts become one leaf, if there are any.
3. A gateway that had nothing to tell for QUIET_S tells that: so a ledger at rest still grows, and one that stands still
   is seen within minutes.
4. Nothing here can be made to grow: of a minute's refusals MOST_KINDS are told apart, the rest is counted as `others`.
   What the bus does not take is told with the next minute.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

import structlog

from gateway.auth import Call
from gateway.ports import Submit
from shared.contracts.messages import MOST_KINDS, OTHERS, RecordReading, RecordRefusals, RefusedCalls
from shared.domain.ids import encode_time
from shared.errors import ComityError
from shared.ports.clock import Clock

REFUSALS_EVERY_S: Final = 60.0
QUIET_S: Final = 600.0
"""After so long without a refusal the ledger is told that there was none."""
log = structlog.get_logger()


class Accounts:
    def __init__(self, submit: Submit, clock: Clock) -> None:
        self._submit = submit
        self._clock = clock
        self._read_on: dict[str, str] = {}
        """Auditor → the day of which the ledger has been told."""
        self._since = clock.now()
        self._refused: Counter[tuple[str, str | None]] = Counter()
        self._quiet_since = clock.now(), clock.monotonic()

    async def note_reading(self, call: Call) -> None:
        """Before an auditor is answered. Raises Busy."""
        now = self._clock.now()
        day = encode_time(now)[:10]
        if self._read_on.get(call.party) != day:
            await self._submit(RecordReading(auditor=call.party, request=call.request_text, read_at=encode_time(now)))
            self._read_on[call.party] = day

    def count_refusal(self, code: str, kid: str | None) -> None:
        """`kid` is the key whose signature on the call verified, if one did."""
        party = None if kid is None else kid.partition("#")[0]
        known = (code, party) if (code, party) in self._refused or len(self._refused) < MOST_KINDS else (OTHERS, None)
        self._refused[known] += 1

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(REFUSALS_EVERY_S)
            await self.tell_refusals()

    async def tell_refusals(self) -> None:
        """What was refused since it was told last. Never raises."""
        told, since, until = self._refused, self._since, self._clock.now()
        self._since = until
        if not told:
            since, began = self._quiet_since
            if self._clock.monotonic() - began < QUIET_S:
                return
        self._refused = Counter()
        try:
            await self._submit(_message(told, since, until))
            self._quiet_since = until, self._clock.monotonic()
        except ComityError as down:
            log.warning("refusals.wait", code=down.code, kinds=len(told))
            self._since = since if told else until
            for (code, party), count in told.items():
                known = (code, party) if len(self._refused) < MOST_KINDS else (OTHERS, None)
                self._refused[known] += count


def _message(told: Counter[tuple[str, str | None]], since: datetime, until: datetime) -> RecordRefusals:
    kinds = sorted(told.items(), key=lambda one: (one[0][0], one[0][1] or ""))
    refused = tuple(RefusedCalls(code=code, party=party, count=count) for (code, party), count in kinds)
    return RecordRefusals(since=encode_time(since), until=encode_time(until), refused=refused)
