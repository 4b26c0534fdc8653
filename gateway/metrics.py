"""Figures for the operator, in the registry of its process. No label names an authority, a message or a dossier."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.admission import Admission

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MOST_TEXTS: Final = 5
"""Made anew within a second."""
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
_GAUGES: Final = {
    "outbox_age_s": ("comity_outbox_age_seconds", "Age of the oldest message that waits for the bus"),
    "dead_letters": ("comity_dead_letters", "Messages that nobody could process"),
    "parked": ("comity_parked", "Messages that wait for their time to be tried again"),
    "ledger_size": ("comity_ledger_size", "Entries in the ledger"),
    "leaves_waiting": ("comity_leaves_waiting", "Frames of leaves without a place in the ledger"),
}


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._text, self._second, self._made = b"", 0, 0
        self._calls = Counter("comity_calls", "Calls answered", ("method", "route", "status"), registry=self.registry)
        self._seconds = Histogram(
            "comity_call_seconds",
            "Time from a call's first byte to its answer's last",
            ("route",),
            registry=self.registry,
        )
        self._refused = Counter("comity_calls_refused", "Calls refused, by code", ("code",), registry=self.registry)
        self.polls = Gauge("comity_polls_waiting", "Long polls that wait", registry=self.registry)
        self.submissions = Gauge("comity_submissions_in_flight", "Submissions in memory", registry=self.registry)
        self._ledger_age = Gauge(
            "comity_ledger_age_seconds", "Time since the newest entry of the ledger", registry=self.registry
        )
        self._overdue = Gauge(
            "comity_parked_overdue_seconds", "Time since the oldest parked message was due", registry=self.registry
        )
        self._store = Gauge("comity_store_answers", "1 while the database answers", registry=self.registry)
        self._directory = Gauge(
            "comity_directory_verifies", "1 while the directory is fresh and verifies", registry=self.registry
        )
        self._inside = {figure: Gauge(name, text, registry=self.registry) for figure, (name, text) in _GAUGES.items()}

    def watch_admission(self, admission: Admission) -> None:
        """Show the window and what is in it, whenever somebody asks."""
        window = Gauge("comity_admission_window", "Submissions that may be on their way", registry=self.registry)
        window.set_function(lambda: admission.window)
        inside = Gauge("comity_submissions_on_their_way", "Submissions not yet delivered", registry=self.registry)
        inside.set_function(lambda: len(admission.on_their_way))

    def watch_connections(self, open_now: Callable[[], int]) -> None:
        connections = Gauge("comity_connections_open", "Connections of callers", registry=self.registry)
        connections.set_function(open_now)

    def count_call(self, method: str, route: str, status: int, seconds: float, code: str | None) -> None:
        self._calls.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if code is not None:
            self._refused.labels(code).inc()

    def show_health(self, *, store: bool, directory: bool) -> None:
        self._store.set(store)
        self._directory.set(directory)

    def show(self, figures: Mapping[str, Any], now: datetime) -> None:
        """Take over the figures of `Queries.ping`."""
        for figure, gauge in self._inside.items():
            if figure in figures:
                gauge.set(float(figures[figure]))
        logged_at = figures.get("ledger_logged_at")
        if isinstance(logged_at, datetime):
            self._ledger_age.set((now - logged_at).total_seconds())
        due_at = figures.get("parked_due_at")
        self._overdue.set(max(0.0, (now - due_at).total_seconds()) if isinstance(due_at, datetime) else 0.0)

    def text(self) -> bytes:
        """As it is now; if more is asked than MOST_TEXTS in a second, as it was then: anybody may ask, and a text takes
        as long as several calls of those who have to."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._made = second, 0
        if self._made < MOST_TEXTS:
            self._made += 1
            self._text = generate_latest(self.registry)
        return self._text
