"""One lie, played: a copy of everything, what the operator wrote in it, and those who look at it later.

Whoever looks keeps a copy of its own memory, and asks the window that the operator opens for it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from client.callers import check_receipts, sign_calls
from client.correspondence import Correspondence, Place
from client.exchange import Exchange
from client.http_calls import Calls
from shared.keys.private import Ed25519Signer
from tests.dishonest.books import Books, Witness, open_witnesses, started
from tests.dishonest.story import Past, copy_database
from tests.dishonest.window import URL, Loop, Window
from tests.exchange_process import AUDITOR
from tests.fakes import FakeClock
from tests.unit.envelope.workshop import party


class Scene:
    """`place` is an empty folder. Everybody reads `file`, but for those who are shown another."""

    def __init__(self, past: Past, place: Path, loop: Loop, database: str = "exchange.sqlite3") -> None:
        self.past = past
        self.place = place
        self.clock = FakeClock(past.ended_at)
        self._loop = loop
        for name in ("homes", "witnesses", "audits"):
            shutil.copytree(past.place / name, place / name)
        self.file = place / "exchange.sqlite3"
        shutil.copyfile(past.place / database, self.file)
        self.witnesses: list[Witness] = open_witnesses(place / "witnesses", past, self.clock.now)
        self._shown: dict[str, Path] = {}
        self._windows: dict[Path, Window] = {}

    @property
    def copies(self) -> list[Path]:
        """What single readers are shown."""
        return list(self._shown.values())

    def close(self) -> None:
        for witness in self.witnesses:
            witness.close()
        for window in self._windows.values():
            window.shut()

    @property
    def books(self) -> Books:
        return Books(self.file, self.past)

    @contextmanager
    def writing(self, file: Path | None = None) -> Iterator[sqlite3.Connection]:
        """The operator's own hand in the database, in one transaction."""
        with closing(sqlite3.connect(file or self.file)) as database, database:
            yield database

    def another(self, name: str) -> Path:
        """A copy of what everybody is shown, for this reader alone."""
        file = self.place / f"for-{name}.sqlite3"
        copy_database(self.file, file)
        self._shown[name] = file
        return file

    def wait_until(self, passed: timedelta) -> None:
        """This long after the story's end."""
        self.clock.advance(max(0.0, (self.past.ended_at + passed - self.now()).total_seconds()))

    def go_on(self) -> bool:
        """The exchange goes on: one more entry, under a checkpoint that witnesses are asked to cosign."""
        entries = self.books.entries()
        self.books.write([*entries, started(self.now(), len(entries))], self.witnesses)
        return True

    def correspondence(self, name: str) -> Correspondence:
        keys = party(name)
        assert isinstance(keys.api, Ed25519Signer)
        return Correspondence(
            keys,
            self.past.trust,
            self._exchange(name, keys.api),
            Place(self.place / "homes" / name),
            clock=self.now,
            sleep=self.clock.advance,
        )

    def auditor(self) -> Exchange:
        return self._exchange(AUDITOR, self.past.auditor)

    def now(self) -> datetime:
        return self.clock.now()

    def _exchange(self, name: str, signer: Ed25519Signer) -> Exchange:
        calls = Calls(
            URL,
            sign_calls(signer, name, self.now),
            transport=self._window(name),
            patience_s=0,
            sleep=self.clock.advance,
            monotonic=self.clock.monotonic,
        )
        return Exchange(calls, check_receipts(self.past.trust, name))

    def _window(self, name: str) -> Window:
        file = self._shown.get(name, self.file)
        if file not in self._windows:
            self._windows[file] = Window(file, self.past, self.clock, self._loop)
        return self._windows[file]
