"""The directory after each of its events: signed key events, replayed against the trust file.

It compares with nothing that was seen before, and asks for no proof: `directory_watch` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import KeyChangeUnexplained, KeyEventRefused
from shared.keys.directory import Directory, KeyEvent
from shared.keys.events import verify_event
from shared.keys.trust import Trust
from shared.keys.waiting import EVERYBODY_WAITS, Waits


@dataclass(frozen=True, slots=True)
class Moment:
    """A directory, and the time at which it is to be asked."""

    directory: Directory
    at: datetime


class DirectoryHistory:
    """The directory after each event, oldest first; made by `replay_history` alone."""

    def __init__(
        self,
        origin: str,
        events: Sequence[KeyEvent],
        snapshots: Sequence[Directory],
        waits: Waits = EVERYBODY_WAITS,
    ) -> None:
        self.events = tuple(events)
        self._origin = origin
        self._snapshots = (Directory.empty(origin), *snapshots)
        self._waits = waits

    @property
    def latest(self) -> Directory:
        return self.after(len(self.events))

    def after(self, index: int) -> Directory:
        """The directory after this many events, which there must be."""
        return self._snapshots[index].under(self._waits)

    def event(self, seq: int) -> KeyEvent:
        return self.events[seq - 1]

    def until(self, index: int, waits: Waits) -> DirectoryHistory:
        """The first events alone, judged by this."""
        return DirectoryHistory(self._origin, self.events[:index], self._snapshots[1 : index + 1], waits)


def replay_history(documents: Sequence[str], trust: Trust) -> DirectoryHistory:
    """Verify and fold all events, each in its signed form as text. Raises KeyChangeUnexplained at the first bad one."""
    events: list[KeyEvent] = []
    snapshots: list[Directory] = []
    directory = Directory.empty(trust.origin)
    try:
        for text in documents:
            event = verify_event(text.encode(), trust.operator_keys, trust.operator_quorum, directory)
            directory = directory.apply(event)
            events.append(event)
            snapshots.append(directory)
    except (KeyEventRefused, ValueError) as refused:
        raise KeyChangeUnexplained(why=f"event {len(events) + 1}: {refused}") from None
    return DirectoryHistory(trust.origin, events, snapshots)
