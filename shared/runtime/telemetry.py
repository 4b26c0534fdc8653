"""Spans for a collector of OpenTelemetry; off, unless `COMITY_TELEMETRY` names one.

Rules:
1. Off, this program loads nothing of OpenTelemetry, and a span costs well under a microsecond. (FastAPI loads the
   interface, which does nothing by itself; the gateway keeps FastAPI's own spans off.)
2. A span tells how long and how many, and of which service. Its names are the closed lists below, its values are
   numbers: no authority, dossier or message can stand in it, no address and no text of an error.
3. The names are ours: the conventions for messaging are not stable yet.
4. Spans are not joined across processes: nothing is added to frames, and nothing that a caller sends is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Final, Protocol

from shared.errors import SettingsRefused
from shared.runtime.settings import DEFAULT_PORTS, Settings

SERVICE: Final = "comity.service"
SERVICES: Final = frozenset(DEFAULT_PORTS)


class SpanName(StrEnum):
    accept = "comity.accept"
    """A gateway judges one submission, signs its receipt, and has it kept by the bus; until it is answered."""
    batch = "comity.batch"
    """A service settles, commits, publishes and acknowledges what it took from its queue."""
    publish = "comity.publish"
    """Until the bus has confirmed or refused."""
    ledger_round = "comity.ledger.round"
    """Leaves get their places; rounds that find nothing to do are not told."""


class Size(StrEnum):
    frames = "comity.frames"
    items = "comity.items"
    parked = "comity.parked"
    rows = "comity.rows"
    frames_confirmed = "comity.frames_confirmed"
    leaves = "comity.leaves"


class Mark(Protocol):
    """A span that has begun."""

    def note(self, sizes: Mapping[Size, int]) -> None: ...

    def drop(self) -> None:
        """It is not worth telling."""


class _Nothing:
    def __enter__(self) -> Mark:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def note(self, sizes: Mapping[Size, int]) -> None:
        return None

    def drop(self) -> None:
        return None


Begin = Callable[[SpanName, str], AbstractContextManager[Mark]]
_NOTHING: Final = _Nothing()


def _begin_nothing(_name: SpanName, _service: str) -> AbstractContextManager[Mark]:
    return _NOTHING


_begin: Begin = _begin_nothing


def span(name: SpanName, service: str = "") -> AbstractContextManager[Mark]:
    """Lasts as long as the block; one that ends with an exception is told as failed, without saying why."""
    return _begin(name, service)


@contextmanager
def telling(settings: Settings, service: str) -> Iterator[None]:
    """Spans go to the collector of these settings, if they name one, until the end of the block.

    Raises SettingsRefused where the optional part is not installed.
    """
    global _begin
    if settings.telemetry is None:
        yield
        return
    try:
        from shared.runtime.collector import Collector
    except ImportError as missing:
        why = f"telemetry: {missing.name} is not installed; install comity[telemetry], or leave the setting out"
        raise SettingsRefused(why=why) from None
    collector = Collector(settings.telemetry, service)
    _begin = collector.begin
    try:
        yield
    finally:
        _begin = _begin_nothing
        collector.close()
