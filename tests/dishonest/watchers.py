"""Those who look: each does what its command does, by the client's own code, and tells the first thing that is wrong.

Nothing here judges the exchange. A finding is an alarm, a difference, a refusal or an answer that cannot be read, as
the party's client, the auditor's commands or a witness tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from typing import Final

from client.audit_folder import AuditFolder
from client.audit_keys import false_statements, unexplained
from client.audit_monitor import COPY_STALLED_AFTER, Monitor, Patience
from client.audit_monitor import Finding as Heard
from client.audit_replay import ShownDossiers, compare
from client.auditor import Elsewhere, verify_ledger
from client.correspondence import Correspondence
from client.ledger_source import ExchangeLedger
from client.ledger_stamps import StampedDirectory, StampedExchange, judge_stamps
from client.proof_bundle import parse_bundle
from client.proof_making import make_bundle
from client.proof_verification import verify_bundle
from client.proving import prove_message
from client.register_rows import Kept
from shared.apisig.receipts import Receipt, verify_receipt
from shared.audit.checkpoint import VerifiedCheckpoint, parse_checkpoint
from shared.audit.quorum import rule_of
from shared.audit.tiles import TileHashReader
from shared.errors import ComityError, LedgerInvalid, PartPruned
from tests.dishonest.scene import Scene
from tests.dishonest.story import WRITERS
from tests.unit.client.letters import open_dossier

Watcher = Callable[[Scene], Iterator[str]]
"""What it finds, one after the other; whoever asks may stop at the first."""


def witnesses(scene: Scene) -> Iterator[str]:
    """A witness is asked to cosign what the exchange shows, as its sequencer does after every round."""
    with closing(scene.auditor()) as exchange:
        note = exchange.checkpoint()
        source = ExchangeLedger(exchange)
        for one in scene.witnesses:
            size = parse_checkpoint(note).size
            if size < one.size:
                continue  # it is not asked about a tree that it went beyond
            answer = one.ask(note, partial(_reader, source))
            if answer.line is None:
                yield f"{one.name} does not cosign: {answer.status}"


def _reader(source: ExchangeLedger, size: int) -> TileHashReader:
    return TileHashReader(size, lambda tile: source.read(tile.path))


def parties(scene: Scene) -> Iterator[str]:
    """`comity inbox`, `open`, `status`, `proof` at each party, and `send` at one."""
    if scene.sender is not None:
        yield from _send(scene, scene.sender)
        scene.sender = None
    for name in WRITERS:
        with scene.correspondence(name) as own:
            for found in party_looks(own, scene.now()):
                yield f"{name}: {found}"


def party_looks(own: Correspondence, now: datetime) -> Iterator[str]:
    try:
        yield from _inbox(own)
        yield from _dossiers(own)
        yield from _messages(own, now)
    except ComityError as refused:
        yield f"{refused.code}: {refused}"


def _send(scene: Scene, name: str) -> Iterator[str]:
    with scene.correspondence(name) as own:
        try:
            open_dossier(own, *(one for one in WRITERS if one != name))
        except ComityError as refused:
            yield f"{refused.code}: {refused}"


def _inbox(own: Correspondence) -> Iterator[str]:
    for message, refused in own.outbox.resume().items():
        if refused is not None:
            yield f"{message}: {refused.code}"
    news = own.mailbox.read_feed()
    yield from (one.error.code for one in news.alarms)
    yield from ("a gap" for _ in news.gaps)
    yield from ("a fork" for _ in news.forks)
    yield from (one.code for one in own.directory().withheld())
    own.instruments()


def _dossiers(own: Correspondence) -> Iterator[str]:
    """Raises what `comity status` does."""
    listed = [one.dossier for one in own.exchange.dossiers()]
    known = [one for one in own.register.dossiers() if any(map(_settled, own.register.messages(one)))]
    for dossier in dict.fromkeys((*listed, *known)):
        for leg in own.legs(dossier):
            if not own.register.knows(dossier, leg.requested, leg.head):
                yield f"{leg.requested}: something happened that was not read here"


def _settled(kept: Kept) -> bool:
    """What is not decided yet is nowhere to be seen, and that is no news before its time."""
    return kept.state in ("accepted", "received")


def _messages(own: Correspondence, now: datetime) -> Iterator[str]:
    for dossier in own.register.dossiers():
        for kept in own.register.messages(dossier):
            if not (_settled(kept) or kept.state == "rejected"):
                continue
            if _settled(kept):
                with suppress(PartPruned):  # that is an answer
                    own.mailbox.open(kept.message)
            proven = prove_message(own, own.register.message(kept.message) or kept, now)
            yield from (f"{one.kind}: {one.why}" for one in proven if one.why is not None)
            if kept.sender == own.keys.authority:
                make_bundle(own, kept.message)


def copies(scene: Scene) -> Iterator[str]:
    """`comity audit verify DIR`, of a copy of the ledger that was handed out."""
    if scene.copy is None:
        return
    elsewhere = Elsewhere(tuple(checkpoints_of(scene)), receipts_of(scene), scene.now())
    source = StampedDirectory(scene.copy)
    report = verify_ledger(source, scene.past.trust, workers=0, elsewhere=elsewhere)
    judge_stamps(source, scene.past.trust, None, report)
    yield from (one.what for one in report.differences)


def court(scene: Scene) -> Iterator[str]:
    """`comity proof verify FILE`, of proof bundles that were handed over."""
    for raw in scene.bundles:
        try:
            proven = verify_bundle(parse_bundle(raw), scene.past.trust)
        except ComityError as refused:
            yield f"{refused.code}: {refused}"
        else:
            if not proven.is_sender_proven:
                yield "who signed it is in doubt"


def follow(scene: Scene) -> Iterator[str]:
    """`comity audit follow`, in a folder that has followed so far."""
    heard: list[Heard] = []
    known = scene.past.known_events
    with closing(scene.auditor()) as exchange:
        folder = AuditFolder(scene.place / "audits", scene.past.trust)
        elsewhere = Elsewhere(receipts=receipts_of(scene), now=scene.now())
        rests = Patience(stalled_after=COPY_STALLED_AFTER)  # the scene's gateways do not tell that they are at work
        source = ExchangeLedger(exchange)
        monitor = Monitor(folder, source, lambda: elsewhere, heard.append, scene.now, kept=known, patience=rests)
        try:
            monitor.look()
        except ComityError as refused:
            yield refused.code
    yield from (one.what for one in heard)


def audit(scene: Scene) -> Iterator[str]:
    """`comity audit verify`, `keys` and `replay`, with what parties and witnesses handed over."""
    with closing(scene.auditor()) as exchange:
        source = StampedExchange(exchange)
        folder = AuditFolder(scene.place / "audits", scene.past.trust)
        elsewhere = Elsewhere(tuple(checkpoints_of(scene)), receipts_of(scene), scene.now())
        try:
            report = folder.verify_whole(source, workers=0, elsewhere=elsewhere, afresh=True)
            judge_stamps(source, scene.past.trust, None, report)
            yield from (one.what for one in report.differences)
            yield from (
                f"key {change.seq}: {change.flags}"
                for change in unexplained(report.key_changes, (), scene.past.known_events)
            )
            for name in WRITERS:
                with scene.correspondence(name) as own:
                    kept = [one.statement for one in own.register.keys.statements()]
                yield from (one.why for one in false_statements(kept, report, scene.past.trust))
            with folder.brought_up_to_date(source, workers=0, elsewhere=elsewhere) as (_, file):
                shown = ShownDossiers(exchange, "MA.COUR", scene.now)
                yield from (f"{one.leg}: {one.why}" for one in compare(shown, file.memory).differences)
        except ComityError as refused:
            yield refused.code


def receipts_of(scene: Scene) -> tuple[tuple[str, Receipt], ...]:
    """What the parties hold, as they would hand it to an auditor."""
    found: list[tuple[str, Receipt]] = []
    for name in WRITERS:
        with scene.correspondence(name) as own:
            for dossier in own.register.dossiers():
                for kept in own.register.messages(dossier):
                    text = own.register.receipt(kept.message)
                    if text is not None:
                        found.append((f"{name} {kept.message}", verify_receipt(text, scene.past.trust.receipt_key)))
    return tuple(found)


def checkpoints_of(scene: Scene) -> Iterator[tuple[str, VerifiedCheckpoint]]:
    """What witnesses cosigned last, what each party is shown, and what a court was handed."""
    rule = rule_of(scene.past.trust)
    for witness in scene.witnesses:
        if witness.note is not None:
            yield witness.name, rule.read(witness.note)
    for name in WRITERS:
        with scene.correspondence(name) as own, suppress(LedgerInvalid):
            yield name, rule.read(own.exchange.checkpoint())
    for raw in () if scene.is_handed else scene.bundles:
        yield "court", rule.read(parse_bundle(raw).checkpoint)


NAMES: Final = ("witness", "audit follow", "party", "audit", "copy", "court")
"""As the timetable calls them."""
