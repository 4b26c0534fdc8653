"""What every route is given: the ports, the configuration, and what this process knows of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import Gauge
from starlette.requests import Request

from gateway.auth import Authenticator
from gateway.config import GatewayConfig
from gateway.figures import Figures
from gateway.metrics import Metrics
from gateway.ports import GatewayPorts
from shared.errors import Busy, CallTooMany
from shared.runtime.readiness import Readiness


@dataclass
class Gateway:
    ports: GatewayPorts
    config: GatewayConfig
    authenticator: Authenticator
    figures: Figures
    metrics: Metrics
    readiness: Readiness
    draining: bool = False
    """Set when the process is about to stop: not ready, and long polls are answered with what there is."""
    _submissions: Counter[str] = field(default_factory=Counter)
    _polls: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def room_for_submission(self, party: str) -> Iterator[None]:
        """Bounds the bodies in memory, altogether and for the party that signed the call. Raises Busy."""
        limits = self.config.limits
        in_all = self._submissions.total() >= limits.submissions_in_flight
        if in_all or self._submissions[party] >= limits.submissions_per_party:
            raise Busy(retry_after_s=1)
        with _counted(self._submissions, party, self.metrics.submissions):
            yield

    @contextmanager
    def room_for_poll(self, party: str) -> Iterator[None]:
        """Bounds the calls of one party that wait. Raises CallTooMany."""
        limit = self.config.limits.polls_per_party
        if self._polls[party] >= limit:
            raise CallTooMany(limit=limit)
        with _counted(self._polls, party, self.metrics.polls):
            yield


@contextmanager
def _counted(counter: Counter[str], party: str, gauge: Gauge) -> Iterator[None]:
    counter[party] += 1
    gauge.inc()
    try:
        yield
    finally:
        counter[party] -= 1
        if not counter[party]:
            del counter[party]
        gauge.dec()


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway
