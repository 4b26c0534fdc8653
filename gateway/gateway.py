"""What every route is given: the ports, the configuration, and what this process knows of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

from gateway.accounts import Accounts
from gateway.admission import Admission
from gateway.auth import Authenticator, ProvenCaller
from gateway.config import GatewayConfig
from gateway.figures import Figures
from gateway.metrics import Metrics
from gateway.ports import GatewayPorts
from gateway.settlement import Settlement
from gateway.statements import Statements
from shared.errors import CallTooMany
from shared.runtime.readiness import Readiness


@dataclass
class Gateway:
    ports: GatewayPorts
    config: GatewayConfig
    authenticator: Authenticator
    figures: Figures
    metrics: Metrics
    readiness: Readiness
    admission: Admission
    settlement: Settlement
    statements: Statements
    accounts: Accounts
    draining: bool = False
    """Set when the process is about to stop: not ready, and long polls are answered with what there is."""
    _polls: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def room_for_submission(self, caller: ProvenCaller) -> Iterator[None]:
        """For one submission of the party that signed the call. Raises Busy."""
        with self.admission.arrival(caller.party, caller.verified.keyid), self.metrics.submissions.track_inprogress():
            yield

    @contextmanager
    def room_for_poll(self, party: str) -> Iterator[None]:
        """Bounds the calls of one party that wait. Raises CallTooMany."""
        limit = self.config.limits.polls_per_party
        if self._polls[party] >= limit:
            raise CallTooMany(limit=limit)
        self._polls[party] += 1
        try:
            with self.metrics.polls.track_inprogress():
                yield
        finally:
            self._polls[party] -= 1
            if not self._polls[party]:
                del self._polls[party]


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway
