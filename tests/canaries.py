"""`python -m tests.canaries --n 100 [--seed S]`: plant plaintexts in every sealed field, look for them at the exchange.

The steps:
1. N letters full of canaries go through a real exchange: requests, refusals, questions, and letters that it rejects.
2. Their readers open every letter that was accepted and find every canary in it: they were really sent.
3. An auditor exports the ledger. The exchange is killed, so that it cannot tidy up.
4. Everything that it wrote is searched by `comity.plaintext_scan`: database, write-ahead log, keys, logs, the export.
5. The same search must find what does lie there in clear, at each kind of place; else the campaign fails.

The last line is `canaries: passed P / attempted A`: of A plaintexts P were not found. The exit code is 0 only if none
was found and step 5 holds. The clients' homes are not searched: they lie within the perimeter that holds the keys.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from client.ledger_export import export_ledger
from client.signing import generate_authority_keys
from comity.plaintext_scan import Finding, scan_directory
from shared.errors import DossierExists
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
from tests.exchange_process import PARTIES, EnrolledExchange, enrol_exchange

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
    """Steps 1 and 2. Of five letters two are requests, then come a refusal, a question and a letter to be rejected."""
    sower = Sower(seed)
    rabat, paris, brussels = (exchange.correspondence(party) for party in (RABAT, PARIS, BRUSSELS))
    requests = [write_request(rabat, sower) for number in range(n) if number % 5 < REQUESTS_IN_FIVE]
    _send(exchange, requests, None)
    exchange.rows.wait_settled(PATIENCE_S)
    _open(exchange, requests)
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
    _send(exchange, answers, None)
    _send(exchange, rejected, DossierExists.code)
    exchange.rows.wait_settled(PATIENCE_S)
    _open(exchange, answers)
    return [*requests, *answers, *rejected]


def harvest(places: Sequence[Path], canaries: Sequence[str | bytes], controls: Sequence[Control]) -> Harvest:
    """Steps 4 and 5: the same search, once for what must not be there and once for what must."""
    found = scan_directory(places, canaries)
    clear = [text for control in controls for text in control.texts]
    seen = [(clear[one.number], one.where) for one in scan_directory(places, clear)]
    missed = [
        control
        for control in controls
        if not any(text in control.texts and control.where in where for text, where in seen)
    ]
    return Harvest(len(canaries), tuple(found), tuple(missed))


def controls_of(exchange: EnrolledExchange, letters: Sequence[Letter]) -> list[Control]:
    """What the exchange is meant to know, wherever it keeps something."""
    dossier = letters[0].dossier
    header = f'"dossier":"{dossier}","profile":"mla-request"'
    messages = tuple(letter.message for letter in letters)
    return [
        Control("a dossier's id in the file of the database", "exchange.sqlite3", (dossier,)),
        Control("a dossier's id in a column", "exchange.sqlite3: leg.dossier", (dossier,)),
        Control("the id of any message in the write-ahead log", "exchange.sqlite3-wal", messages),
        Control("a header in a manifest in a signature", "exchange.sqlite3: envelope.jws (in base64)", (header,)),
        Control("the same in the exported ledger", "ledger/tile/entries", (header,)),
        Control("the name of a caller's key in the log", "exchange.log", (exchange.keys[RABAT].api_kid,)),
        Control("the exchange's name beside its keys", "exchange/trust.json", (exchange.trust.origin,)),
    ]


def places_of(exchange: EnrolledExchange) -> list[Path]:
    """Step 3: everything that the exchange wrote, the exported ledger included. It is killed afterwards."""
    ledger = exchange.place / "ledger"
    export_ledger(exchange.ledger(), ledger, exchange.trust)
    exchange.hang_up()
    exchange.process.kill()
    return [exchange.process.data, exchange.process.log, exchange.process.log.with_suffix(".out"), ledger]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.canaries", description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=100, help="letters to send")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the same plaintexts")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="comity-canaries-") as folder,
        enrol_exchange(Path(folder), [generate_authority_keys(party) for party in PARTIES]) as exchange,
    ):
        letters = plant(exchange, asked.n, asked.seed)
        canaries = [canary for letter in letters for canary in letter.canaries]
        print(f"seed {asked.seed}: {len(canaries)} plaintexts in {len(letters)} letters, {_since(began)}", flush=True)
        controls = controls_of(exchange, letters)
        places = places_of(exchange)
        result = harvest(places, canaries, controls)
        print(f"searched {_size(places) / 1e6:.1f} MB, {_since(began)}")
    for control in result.missed:
        print(f"not found although it is there: {control.what} ({control.where})")
    for finding in result.found:
        print(f"found: {canaries[finding.number]!r} as {finding.form} in {finding.where}")
    print(f"canaries: passed {result.passed} / attempted {result.attempted}")
    return 0 if result.ok else 1


def _send(exchange: EnrolledExchange, letters: Sequence[Letter], expected: str | None) -> None:
    """Send all, then wait for all; each must be accepted, or rejected with the code that is expected."""
    for letter in letters:
        exchange.correspondence(letter.sender).outbox.send(letter.message)
    for letter in letters:
        decision = exchange.correspondence(letter.sender).outbox.await_decision(letter.message, PATIENCE_S)
        assert decision is not None, f"{letter.message} was not decided"
        assert decision.code == expected, decision


def _open(exchange: EnrolledExchange, letters: Sequence[Letter]) -> None:
    """Each reader fetches what is in its feed; the first reader of each letter finds every canary in it."""
    for party in {reader for letter in letters for reader in (*letter.readers, letter.sender)}:
        exchange.correspondence(party).mailbox.read_feed()
    for letter in letters:
        opened = exchange.correspondence(letter.readers[0]).mailbox.open(letter.message)
        held: set[object] = set(_values(opened.content))
        for one in opened.attachments:
            held |= {one.name, one.data}
        lost = [canary for canary in letter.canaries if canary not in held and _as_bytes(canary) not in held]
        assert not lost, f"{letter.message} does not hold {lost}"


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


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"


def _size(places: Sequence[Path]) -> int:
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return sum(path.stat().st_size for path in files if path.is_file())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
