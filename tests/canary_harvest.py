"""Plaintexts planted in every sealed field, and the search for them: what both campaigns of `tests.canaries` share.

1. N letters full of canaries go through a real exchange: requests, refusals, questions, and letters that it rejects.
2. Their readers open every letter that was accepted and find every canary in it: they were really sent.
3. Everything that the exchange wrote is searched by `comity.plaintext_scan`.
4. The same search must find what does lie there in clear, at each kind of place; else the campaign fails.

The clients' homes are not searched: they lie within the perimeter that holds the keys.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from client.correspondence import Correspondence
from client.opening import OpenedMessage
from comity.plaintext_scan import Finding, scan_directory
from shared.errors import ComityError, DossierExists
from tests.canary_letters import (
    BRUSSELS,
    PARIS,
    RABAT,
    Letter,
    Sower,
    write_questions,
    write_refusal,
    write_request,
)
from tests.exchange_process import EnrolledExchange

PATIENCE_S: Final = 120.0
REQUESTS_IN_FIVE: Final = 2


@dataclass(frozen=True)
class Control:
    """Something that lies at the exchange in clear, and the place where the search must find one of these texts."""

    what: str
    where: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Harvest:
    """What a search found: canaries, and controls that it should have found and did not."""

    attempted: int
    found: tuple[Finding, ...]
    missed: tuple[Control, ...]

    @property
    def passed(self) -> int:
        return self.attempted - len({one.number for one in self.found})

    @property
    def ok(self) -> bool:
        return self.attempted > 0 and not self.found and not self.missed


def plant(exchange: EnrolledExchange, n: int, seed: int) -> list[Letter]:
    """Of five letters two are requests, then come a refusal, a question and a letter to be rejected."""
    sower = Sower(seed)
    rabat, paris, brussels = (exchange.correspondence(party) for party in (RABAT, PARIS, BRUSSELS))
    requests = [write_request(rabat, sower) for number in range(n) if number % 5 < REQUESTS_IN_FIVE]
    send_all(exchange, requests, None)
    exchange.rows.wait_settled(PATIENCE_S)
    open_all(exchange, requests)
    answers, rejected = [], []
    for number in range(n):
        first, second = (requests[min(number // 5 * 2 + one, len(requests) - 1)].dossier for one in (0, 1))
        match number % 5:
            case 2:
                answers.append(write_refusal(paris, sower, first))
            case 3:
                answers.append(write_questions(brussels, sower, second))
            case 4:
                rejected.append(write_request(rabat, sower, to_dossier=first))
    send_all(exchange, answers, None)
    send_all(exchange, rejected, DossierExists.code)
    exchange.rows.wait_settled(PATIENCE_S)
    open_all(exchange, answers)
    return [*requests, *answers, *rejected]


def harvest(places: Sequence[Path], canaries: Sequence[str | bytes], controls: Sequence[Control]) -> Harvest:
    """The same search, once for what must not be there and once for what must."""
    found = scan_directory(places, canaries)
    clear = [text for control in controls for text in control.texts]
    seen = [(clear[one.number], one.where) for one in scan_directory(places, clear)]
    missed = [
        control
        for control in controls
        if not any(text in control.texts and control.where in where for text, where in seen)
    ]
    return Harvest(len(canaries), tuple(found), tuple(missed))


def send_all(exchange: EnrolledExchange, letters: Sequence[Letter], expected: str | None) -> None:
    """Send all, then wait for all."""
    for letter in letters:
        exchange.correspondence(letter.sender).outbox.send(letter.message)
    await_all(exchange, letters, expected)


def await_all(exchange: EnrolledExchange, letters: Sequence[Letter], expected: str | None) -> None:
    """Each must be accepted, or rejected with the code that is expected."""
    for letter in letters:
        decision = exchange.correspondence(letter.sender).outbox.await_decision(letter.message, PATIENCE_S)
        assert decision is not None, f"{letter.message} was not decided"
        assert decision.code == expected, decision


def open_all(exchange: EnrolledExchange, letters: Sequence[Letter]) -> None:
    """Each reader fetches what is in its feed; the first reader of each letter finds every canary in it."""
    for party in {reader for letter in letters for reader in (*letter.readers, letter.sender)}:
        exchange.correspondence(party).mailbox.read_feed()
    for letter in letters:
        opened = _opened(exchange.correspondence(letter.readers[0]), letter)
        held: set[object] = set(_values(opened.content))
        for one in opened.attachments:
            held |= {one.name, one.data}
        lost = [canary for canary in letter.canaries if canary not in held and _as_bytes(canary) not in held]
        assert not lost, f"{letter.message} does not hold {lost}"


def _opened(reader: Correspondence, letter: Letter) -> OpenedMessage:
    """As soon as it is there: an acceptance says that it will be."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return reader.mailbox.open(letter.message)
        except ComityError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
            reader.mailbox.read_feed()


def _values(content: Any) -> Iterator[object]:
    if isinstance(content, Mapping):
        for value in content.values():
            yield from _values(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _values(value)
    else:
        yield content


def _as_bytes(canary: str | bytes) -> bytes:
    return canary if isinstance(canary, bytes) else canary.encode()
