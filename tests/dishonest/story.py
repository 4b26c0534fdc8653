"""What happened on the exchange before its operator began to lie: a real one, lived through by real clients.

Two chapters. After the first everybody has read everything: parties, auditor and witnesses remember it. In the second
requests are sent, answered, rejected, a registry is amended and a party suspended, and nobody has read any of it yet.
At its end the exchange is away for a while, with an emergency in hand, which comes too late. Then it stops. The
operator has its database as it was at the end of both.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from client.composition import ReplyWish
from client.correspondence import Correspondence
from client.sealing import Attachment
from shared.adapters.keyfiles import load_log_signers, load_roster, load_service_keys
from shared.audit.checkpoint import parse_checkpoint
from shared.audit.notes import NoteSigner, encode_vkey
from shared.audit.tiles import bundle_at
from shared.domain.ids import parse_time
from shared.keys.base64url import encode_b64u
from shared.keys.instruments import sign_instruments, verify_instruments
from shared.keys.private import Ed25519Signer
from shared.keys.signed_document import parse_signed_document
from shared.keys.trust import Trust
from tests.dishonest.leftovers import found_authority, set_aside
from tests.exchange_process import INSTRUMENTS, EnrolledExchange, enrol_exchange, now
from tests.unit.client.letters import CONTENT, a_request, open_dossier, reply
from tests.unit.envelope.workshop import party
from witness.keys import init_witness

RABAT, PARIS, BRUSSELS, MADRID = "MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI"
WRITERS: Final = (RABAT, PARIS, BRUSSELS)
WITNESSES: Final = ("w1", "w2")
ENDS_WITHIN_S: Final = 60.0
AWAY: Final = timedelta(minutes=40)
"""For so long the exchange does not work: what it has in hand misses the limits of an emergency's relay."""
QUIET: Final = timedelta(minutes=53)
"""Afterwards nothing happens but that it is at work; then an auditor knows what should have been said of those limits,
and of nothing that fell since it came back."""
_STATEMENTS: Final = Attachment("relevés.csv", "text/csv", b"date,montant\n2026-02-01,312400\n" * 200)


@dataclass(frozen=True)
class Past:
    """`place` holds `before.sqlite3` (the end of the first chapter), `exchange.sqlite3`, `homes/` and `witnesses/`."""

    place: Path
    trust: Trust
    """With the witnesses: one of the two is a quorum, which is the policy that gives an operator most room."""
    log: tuple[NoteSigner, NoteSigner]
    gateway: Ed25519Signer
    operators: tuple[Ed25519Signer, ...]
    auditor: Ed25519Signer
    ended_at: datetime
    first_size: int
    """Entries of the first chapter."""
    known_events: frozenset[str]
    """Digests of the key events that happened: their parties have told the auditor so."""
    pruned: str
    """The message whose sealed parts are kept no longer: its dossier is closed."""


def live(place: Path) -> Past:
    """Lived through in this empty folder: some seconds."""
    with enrol_exchange(place, [party(one) for one in (*WRITERS, MADRID)]) as exchange:
        dossier, pruned = _first_chapter(exchange)
        exchange.rows.wait_settled(ENDS_WITHIN_S)
        first_size = len(exchange.rows.leaves())
        copy_database(exchange.rows.path, place / "before.sqlite3")
        _second_chapter(exchange, dossier)
        _come_late(exchange)
        exchange.hang_up()
        exchange.process.stop()
    copy_database(exchange.rows.path, place / "exchange.sqlite3")
    data = exchange.process.data
    policy = "".join(_witness(place, name) for name in WITNESSES) + "group either 1 w1 w2\nquorum either\n"
    return Past(
        place,
        replace(exchange.trust, witness_policy=policy, stamp_roots=found_authority(place)),
        load_log_signers(data, exchange.trust),
        load_service_keys(data, "gateway", load_roster(data, exchange.trust)).signer,
        exchange.operators,
        exchange.auditor_key,
        _newest(place / "exchange.sqlite3") + QUIET,
        first_size,
        _key_events(place / "exchange.sqlite3"),
        pruned,
    )


def copy_database(source: Path, target: Path) -> None:
    """One file without a journal beside it."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")


def _first_chapter(exchange: EnrolledExchange) -> tuple[str, str]:
    """Rabat asks Brussels and Paris, who acknowledge, and Paris alone, who refuses; everybody reads, opens and is told.
    That dossier, which they work on, and the opening of the one that is closed."""
    rabat = exchange.correspondence(RABAT)
    dossier = open_dossier(rabat, PARIS, BRUSSELS, attachments=(_STATEMENTS,))
    exchange.rows.wait_settled()
    closed = open_dossier(rabat, PARIS, attachments=(_STATEMENTS,))
    exchange.rows.wait_settled()
    [opening] = [one.message for one in rabat.register.messages(closed)]
    set_aside(exchange.rows.path)
    for name in (PARIS, BRUSSELS):
        _read(exchange.correspondence(name))
        reply(exchange.correspondence(name), dossier, "acknowledge")
        exchange.rows.wait_settled()
    reply(exchange.correspondence(PARIS), closed, "refuse", **_REFUSAL)
    exchange.rows.wait_settled()
    for name in WRITERS:
        _read(exchange.correspondence(name))
        assert exchange.correspondence(name).instruments() is not None
    reply(rabat, closed, "close")
    exchange.rows.wait_settled()
    for name in WRITERS:
        _read(exchange.correspondence(name))
    return dossier, opening


def _second_chapter(exchange: EnrolledExchange, dossier: str) -> None:
    """Nobody reads any more: what is asked, answered, rejected, amended and suspended here is news to everybody."""
    rabat, paris, brussels = (exchange.correspondence(name) for name in WRITERS)
    _amend_registry(exchange)
    open_dossier(rabat, PARIS, attachments=(_STATEMENTS,))
    asked = open_dossier(rabat, BRUSSELS)
    reply(paris, dossier, "accept")
    due = (now() + timedelta(days=9)).date().isoformat()
    questions = ReplyWish("ask-information", {"due": due}, {"questions": "Quel compte ?"})
    crossing = [brussels.seal_and_store(brussels.compose_reply(dossier, wish), ()) for wish in (questions, _ACCEPT)]
    for message in crossing:  # both on the same state: the second is rejected
        brussels.outbox.send(message)
        exchange.rows.wait_settled()
    [message] = [one.message for one in rabat.register.messages(asked)]
    brussels.exchange.message(message)  # fetched, and not read: by the next reading it is news
    exchange.rows.wait_settled()
    _audit_and_mend(exchange)
    exchange.post_change("suspend", MADRID)


def _come_late(exchange: EnrolledExchange) -> None:
    """An emergency is accepted, and the exchange goes away before anything is delivered; it is fetched at once then."""
    exchange.rows.wait_settled(ENDS_WITHIN_S)
    rabat = exchange.correspondence(RABAT)
    with _hold_deliveries(exchange.rows.path):
        asked = a_request(
            urgency="emergency", content={**CONTENT, "emergency_justification": "Un otage est en danger."}
        )
        composed = rabat.compose_request(asked, (PARIS, BRUSSELS), "quadripartite")
        message = rabat.seal_and_store(composed, ())
        rabat.outbox.send(message)
        _wait(exchange, lambda: _count(exchange, "bus_message WHERE queue = 'held'") == 1 == _in_hand(exchange))
        exchange.process.stop()
    exchange.process.start(ahead=AWAY)
    _wait(
        exchange,
        lambda: _count(exchange, "failed_evidence") == 2 == _count(exchange, f"evidence WHERE message = '{message}'"),
    )
    for name in (PARIS, BRUSSELS):
        exchange.call_as(name, ahead=AWAY).message(message)
    exchange.rows.wait_settled(ENDS_WITHIN_S)


@contextmanager
def _hold_deliveries(file: Path) -> Iterator[None]:
    """What goes to routing stays on the bus until the end. Only while the exchange does not run does it move on."""
    with closing(sqlite3.connect(file, timeout=20)) as database, database:
        database.execute(
            "CREATE TRIGGER hold AFTER INSERT ON bus_message WHEN NEW.queue = 'routing' BEGIN"
            " UPDATE bus_message SET queue = 'held' WHERE id = NEW.id; END"
        )
    yield
    with closing(sqlite3.connect(file, timeout=20)) as database, database:
        database.execute("DROP TRIGGER hold")
        database.execute("UPDATE bus_message SET queue = 'routing' WHERE queue = 'held'")


def _count(exchange: EnrolledExchange, where: str) -> int:
    return int(exchange.rows.rows(f"SELECT count(*) FROM {where}")[0][0])


def _in_hand(exchange: EnrolledExchange) -> int:
    return exchange.rows.in_hand().total()


def _wait(exchange: EnrolledExchange, is_done: Callable[[], bool]) -> None:
    until = time.monotonic() + ENDS_WITHIN_S
    while not is_done():
        assert time.monotonic() < until, f"still in hand: {dict(exchange.rows.in_hand())}"
        time.sleep(0.02)


def _audit_and_mend(exchange: EnrolledExchange) -> None:
    """The auditor reads an entry, and an operator has a dead letter tried again."""
    exchange.auditor().log_file(bundle_at(0, parse_checkpoint(exchange.auditor().checkpoint()).size).path)
    exchange.operator().retry_dead_letter("routing-1")
    exchange.rows.wait_settled()


_REFUSAL: Final[dict[str, Any]] = {
    "act": {"grounds": ["essential-interests"]},
    "content": {"reasons": "Nous refusons."},
}
_ACCEPT: Final = ReplyWish("accept", {}, {})


def _amend_registry(exchange: EnrolledExchange) -> None:
    trust = exchange.trust
    document = exchange.auditor().instruments()
    assert document is not None
    published = verify_instruments(document, trust.operator_keys, trust.operator_quorum, trust.origin)
    amended = sign_instruments(INSTRUMENTS.read_bytes(), exchange.operators, trust.origin, 2, published.digest)
    exchange.operator().post_instruments(amended)
    exchange.rows.wait_settled()


def _read(one: Correspondence) -> None:
    news = one.mailbox.read_feed()
    assert not news.alarms, news.alarms
    for kept in one.register.received(unopened_only=True):
        one.mailbox.open(kept.message)


def _witness(place: Path, name: str) -> str:
    keys = init_witness(place / "witnesses" / name, f"{name}.example")
    return f"witness {name} {encode_vkey(keys.signers[0].vkey)}\n"


def _key_events(file: Path) -> frozenset[str]:
    with closing(sqlite3.connect(file)) as database:
        events = [bytes(row[0]) for row in database.execute("SELECT event FROM key_event")]
    return frozenset(encode_b64u(parse_signed_document(event).digest()) for event in events)


def _newest(file: Path) -> datetime:
    with closing(sqlite3.connect(file)) as database:
        [entry] = database.execute('SELECT entry FROM ledger_leaf ORDER BY "index" DESC LIMIT 1').fetchone()
    return parse_time(bytes(entry).partition(b"\n")[0].decode())
