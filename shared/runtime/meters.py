"""What a process counts of itself, for Prometheus. No label names an authority, a message or a dossier.

Every name begins with `comity_`; a service that is counted is named by the label `service`. The operator's guide says
which of these to watch, and deploy/prometheus/alerts.yaml watches them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

# It would tell of each figure, in a line of its own, when it began to be counted.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library says no types here
SERVICE: Final = ("service",)
BATCH_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """All figures of one process, in its registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)  # CPU, memory, open files
        PlatformCollector(registry=registry)  # the Python that runs it
        self.ready = self._gauge("comity_service_ready", "1 while this service can do its work", SERVICE)
        self.check_failing = self._gauge("comity_check_failing", "1 while this check of readiness fails", ("check",))
        self.frames_taken = self._counter("comity_frames_taken", "Frames taken from the queue")
        self.items_settled = self._counter("comity_items_settled", "Items of frames done with, however they ended")
        self.items_parked = self._counter("comity_items_parked", "Items put off to be tried again")
        self.items_set_aside = self._counter("comity_items_set_aside", "Items and frames that became dead letters")
        self.batches_redone = self._counter("comity_batches_redone", "Batches that were done again item by item")
        self.batch_frames = self._histogram("comity_batch_frames", "Frames in one batch", BATCH_SIZES)
        self.batch_seconds = self._histogram("comity_batch_seconds", "Time to settle and commit a batch", SECONDS)
        self.holds = self._counter("comity_holds", "Times that a batch had to wait for the database")
        self.attached = self._gauge("comity_consumer_attached", "1 while the service consumes from its queue", SERVICE)
        self.congested = self._gauge("comity_congested", "1 while it takes nothing: the next queue is full", SERVICE)
        self.outbox_oldest = self._gauge(
            "comity_outbox_oldest_seconds", "How long the oldest unconfirmed message is overdue", SERVICE
        )
        self.frames_published = self._counter(
            "comity_frames_published", "Frames given to the broker, by what it said", ("service", "outcome")
        )
        self.relay_rows = self._counter("comity_relay_rows", "Frames published again by the relay")
        self.rows_refused = self._counter(
            "comity_rows_refused", "Rows of the outbox or of waiting leaves that no service of the exchange wrote"
        )

        self._limits_passed = self._counter(
            "comity_transport_limits_passed", "Messages that missed a limit of transport, by what was said", ("said",)
        )

    def count_limit_passed(self, said: str) -> None:
        """`said` is one of `transport_limits.SAID`."""
        self._limits_passed.labels(said).inc()

    def of(self, service: str) -> ServiceMeters:
        return ServiceMeters(self, service)

    def _counter(self, name: str, about: str, labels: tuple[str, ...] = SERVICE) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, about, SERVICE, buckets=buckets, registry=self.registry)


class LedgerMeters:
    """The figures of a ledger, the one that leads or one that waits for its turn."""

    def __init__(self, meters: Meters) -> None:
        gauge, registry = Gauge, meters.registry
        self.size = gauge("comity_ledger_head_size", "Leaves under the newest tree head", registry=registry)
        self.age = gauge("comity_ledger_head_age_seconds", "Time since the newest tree head", registry=registry)
        self.waiting = gauge(
            "comity_ledger_leaves_waiting", "Frames of leaves without a place in the tree", registry=registry
        )
        self.leads = gauge("comity_ledger_leads", "1 while this process makes the rounds", registry=registry)
        self.placed = Counter("comity_ledger_leaves_placed", "Leaves that got their place", registry=registry)
        self.round_seconds = Histogram(
            "comity_ledger_round_seconds", "Time of one round", buckets=SECONDS, registry=registry
        )


class WitnessingMeters:
    """The figures of a ledger that witnesses cosign. `witness` is a name in the policy, which every party has."""

    def __init__(self, meters: Meters) -> None:
        registry, witness = meters.registry, ("witness",)
        self.served = Gauge(
            "comity_ledger_quorum_size", "Leaves under the newest tree head with a quorum", registry=registry
        )
        self.unserved_seconds = Gauge(
            "comity_ledger_quorum_missing_seconds", "How long signed tree heads wait for a quorum", registry=registry
        )
        self.cosignatures = Counter(
            "comity_ledger_cosignatures", "Cosignatures that were taken", witness, registry=registry
        )
        self.refusals = Counter(
            "comity_ledger_witness_refusals",
            "Times that a witness refused, or said what cannot be",
            (*witness, "reason"),
            registry=registry,
        )
        self.silent = Gauge(
            "comity_ledger_witness_silent", "1 while this witness does not answer", witness, registry=registry
        )


class StampingMeters:
    """The figures of a ledger whose checkpoints are time-stamped. `stamper` is the host of an authority's address."""

    def __init__(self, meters: Meters) -> None:
        registry, stamper = meters.registry, ("stamper",)
        self.stamps = Counter("comity_ledger_time_stamps", "Time-stamps that were kept", stamper, registry=registry)
        self.missing = Gauge(
            "comity_ledger_time_stamp_missing", "1 while this authority gives no stamp", stamper, registry=registry
        )
        self.size = Gauge(
            "comity_ledger_time_stamped_size", "Leaves under the newest stamped head", stamper, registry=registry
        )


class ServiceMeters:
    """The figures of one consuming service, or of a gateway's publishing."""

    def __init__(self, meters: Meters, service: str) -> None:
        self.frames_taken = meters.frames_taken.labels(service)
        self.items_settled = meters.items_settled.labels(service)
        self.items_parked = meters.items_parked.labels(service)
        self.items_set_aside = meters.items_set_aside.labels(service)
        self.batches_redone = meters.batches_redone.labels(service)
        self.batch_frames = meters.batch_frames.labels(service)
        self.batch_seconds = meters.batch_seconds.labels(service)
        self.holds = meters.holds.labels(service)
        self.attached = meters.attached.labels(service)
        self.congested = meters.congested.labels(service)
        self.outbox_oldest = meters.outbox_oldest.labels(service)
        self.relay_rows = meters.relay_rows.labels(service)
        self.rows_refused = meters.rows_refused.labels(service)
        self._frames_published = meters.frames_published
        self._service = service

    def count_published(self, outcome: str) -> None:
        """`outcome` is confirmed, refused or failed."""
        self._frames_published.labels(self._service, outcome).inc()


def unseen(service: str = "") -> ServiceMeters:
    """Meters that nobody reads."""
    return Meters(CollectorRegistry()).of(service)


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Counts only what ends well."""
    began = perf_counter()
    yield
    histogram.observe(perf_counter() - began)
