"""The transport of a year's messages: routing's handler, recipients who fetch sooner, later or never, and the keeper of
the limits, whose rows lie in memory behind its port."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.intake.transport_keeper import SETTLES
from services.routing.handler import RoutingHandler
from shared.contracts.messages import EnvelopeAdmitted, EnvelopeRetrieved
from shared.contracts.records import Decision, Evidence, LateMessage, Record, TransportScan
from shared.domain.ids import encode_time
from shared.ports.late_messages import Acceptance, Arrival, DueMessage
from shared.ports.unit_of_work import Effects
from tests.legal_year.table import FETCHED_BY, NO_LIMIT_BEFORE
from tests.unit.client.told_ledgers import request_text
from tests.unit.services.desk import Desk


class YearTransport:
    """`ports.LateMessages`. `looks` says when the keeper has something to look at."""

    def __init__(self, desk: Desk) -> None:
        self.routing = Desk(RoutingHandler(), desk.directory)
        self.fetches: list[tuple[datetime, str, str]] = []
        self._accepted: dict[str, list[Acceptance]] = defaultdict(list)
        self._arrivals: dict[tuple[str, str], Arrival] = {}
        self._scans: dict[tuple[str, str], TransportScan] = {}
        self._late: dict[tuple[str, str], LateMessage] = {}
        self._due: list[tuple[datetime, str, str]] = []
        self._looks: list[datetime] = []

    def deliver(self, message: EnvelopeAdmitted, at: datetime) -> Effects:
        return self.routing.handle(message, at)

    def fetch(self, message: str, recipient: str, at: datetime) -> Effects:
        asked = EnvelopeRetrieved(
            message=message,
            recipient=recipient,
            request=request_text(recipient, message, at),
            retrieved_at=encode_time(at),
        )
        return self.routing.handle(asked, at)

    def note(self, rows: Sequence[Record]) -> None:
        for row in rows:
            if isinstance(row, Decision) and row.urgency and row.dossier and row.recipients:
                to = tuple(row.recipients.split())
                place = (row.message, row.digest, row.dossier, row.sender, to, row.urgency, row.decided_at)
                self._accepted[row.urgency].append(Acceptance(*place))
                for limit in (NO_LIMIT_BEFORE[row.urgency], FETCHED_BY[row.urgency][0]):
                    heapq.heappush(self._looks, row.decided_at + limit + SETTLES)
            elif isinstance(row, Evidence):
                self._arrive(row)
            elif isinstance(row, TransportScan):
                self._scans[row.awaited, row.urgency] = row
            elif isinstance(row, LateMessage):
                self._late[row.message, row.recipient] = row
                if row.next_fall is not None:
                    heapq.heappush(self._due, (row.next_fall, row.message, row.recipient))

    def next_look(self, now: datetime) -> datetime | None:
        """When there is something to look at; what lies behind was looked at."""
        while self._looks and self._looks[0] < now:
            heapq.heappop(self._looks)
        self._drop_old()
        due = [self._looks[0]] if self._looks else []
        return min([*due, *([self._due[0][0] + SETTLES] if self._due else [])], default=None)

    def looked(self, now: datetime) -> None:
        while self._looks and self._looks[0] <= now:
            heapq.heappop(self._looks)

    def row(self, record: type[Record], values: tuple[str, ...]) -> Record | None:
        first, second = values
        return self._scans.get((first, second)) if record is TransportScan else self._late.get((first, second))

    # --- the port ----------------------------------------------------------------------------------------------------

    async def scans(self) -> Sequence[TransportScan]:
        return list(self._scans.values())

    async def suspects(self, after: TransportScan, until: datetime, came_by: datetime, most: int) -> list[Acceptance]:
        accepted, found = self._accepted[after.urgency], list[Acceptance]()
        first = bisect_right(
            accepted, (after.accepted_at, after.message), key=lambda one: (one.accepted_at, one.message)
        )
        for one in accepted[first:]:
            if one.accepted_at > until or len(found) == most:
                break
            came = [self._arrivals.get((one.message, to), Arrival()) for to in one.recipients]
            times = [each.delivered_at if after.awaited == "delivery" else each.retrieved_at for each in came]
            if any(at is None or at > came_by for at in times):
                found.append(one)
        return found

    async def arrivals(self, messages: Sequence[str]) -> Mapping[tuple[str, str], Arrival]:
        return self._arrivals

    async def due(self, until: datetime, most: int) -> Sequence[DueMessage]:
        found: list[DueMessage] = []
        self._drop_old()
        while len(found) < most and self._due and self._due[0][0] <= until:
            falls, message, recipient = heapq.heappop(self._due)
            found.append(DueMessage(message, recipient, falls))
            self._drop_old()
        return found  # each comes again with the row that is written of it

    def _arrive(self, row: Evidence) -> None:
        known = self._arrivals.get((row.message, row.recipient), Arrival())
        is_delivery = row.kind == "delivery"
        now = Arrival(row.at, None) if is_delivery else Arrival(known.delivered_at, row.at)
        self._arrivals[row.message, row.recipient] = now

    def _drop_old(self) -> None:
        while self._due and self._late[self._due[0][1:]].next_fall != self._due[0][0]:
            heapq.heappop(self._due)
