"""One lie, played: a copy of everything, what the operator wrote in it, and those who look at it later.

Whoever looks keeps a copy of its own memory, and asks the window that the operator opens for it.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx2

from client.callers import check_receipts, sign_calls
from client.correspondence import Correspondence, Place
from client.exchange import Exchange
from client.http_calls import Calls
from shared.apisig.receipts import Receipt, sign_receipt, verify_receipt
from shared.domain.ids import encode_time
from shared.keys.private import Ed25519Signer
from tests.dishonest.books import Books, Witness, open_witnesses, started
from tests.dishonest.story import Past, copy_database
from tests.dishonest.window import URL, Loop, Window
from tests.exchange_process import AUDITOR
from tests.fakes import FakeClock
from tests.unit.envelope.workshop import party

_SIGNATURE: Final = re.compile(rb"(\xe2\x80\x94 \S+ [A-Za-z0-9+/]{5})[A-Za-z0-9+/=]+")
"""Of a note: name and key, and what follows, which is another one each time that ML-DSA signs."""


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
        self.answers: list[bytes] = []
        """Digests of all that anybody was answered so far."""
        self.copy: Path | None = None
        """Of the ledger, as it was handed out to an auditor."""
        self.bundles: list[bytes] = []
        """Proof bundles, as a court has them."""
        self.is_handed = False
        """The lie is in what was handed over and nowhere else: whoever asks the exchange is told the truth."""
        self.sender: str | None = None
        """Who sends something, the next time that parties look."""
        self.receipts: Callable[[Receipt], Receipt] | None = None
        """What the gateway signs instead of the receipt that is due."""
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
        self.show(name, file)
        return file

    def show(self, name: str, file: Path) -> None:
        self._shown[name] = file

    def wait_until(self, passed: timedelta) -> None:
        """This long after the story's end."""
        self.clock.advance(max(0.0, (self.past.ended_at + passed - self.now()).total_seconds()))

    def go_on(self) -> bool:
        """The exchange goes on: one more entry, under a checkpoint that witnesses are asked to cosign."""
        with suppress(sqlite3.DatabaseError):  # what is left of it is no database
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

    def _answered(self, request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        """What the caller gets: what the gateway says, but for receipts that the operator signs instead."""
        if self.receipts is not None and request.method == "POST" and answer.status_code == 202:
            told = json.loads(answer.content)
            receipt = self.receipts(verify_receipt(told["receipt"], self.past.trust.receipt_key))
            told |= {"receipt": sign_receipt(receipt, self.past.gateway), "decide_by": encode_time(receipt.decide_by)}
            answer = httpx2.Response(202, json=told)
        told = f"{request.method} {request.url} {answer.status_code}\n".encode()
        self.answers.append(sha256(told + _SIGNATURE.sub(rb"\1", answer.content)).digest())
        return answer

    def _window(self, name: str) -> Window:
        file = self._shown.get(name, self.file)
        if file not in self._windows:
            self._windows[file] = Window(file, self.past, self.clock, self._loop, self._answered)
        return self._windows[file]
