"""The ledger of a story told otherwise than it was, signed by the log or not, and what an audit finds in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from client.audit_clocks import CLOCK_LIMIT
from client.audit_reading import Progress
from client.audit_report import AuditReport
from client.auditor import verify_ledger
from client.callers import sign_calls
from client.ledger_source import DirectoryLedger
from shared.apisig.verify import verify_request
from shared.audit.leaves import encode_entry, encode_leaf
from shared.domain.ids import encode_time
from shared.domain.strict_json import parse_strict_json
from shared.envelope.container import ReceivedEnvelope, read_envelope
from shared.keys.public import Ed25519Public
from tests.unit.audit.paper_log import PaperLog
from tests.unit.client.letters import BE, FR, MA, open_dossier
from tests.unit.client.paper_exchange import URL, PaperExchange
from tests.unit.envelope.workshop import party


def copy_of(story: PaperExchange) -> PaperExchange:
    """The same exchange, to be told otherwise."""
    copied = PaperExchange(now=story.now, events=list(story.events), registry=story.registry)
    copied.directory = story.directory
    copied.places = dict(story.places)
    copied.evidences, copied.decisions, copied.said_at = (
        dict(story.evidences),
        dict(story.decisions),
        dict(story.said_at),
    )
    copied.legs, copied.spent, copied.envelopes = dict(story.legs), dict(story.spent), dict(story.envelopes)
    copied.struck = dict(story.struck)
    copied.log = PaperLog(entries=list(story.log.entries), tiles=dict(story.log.tiles), files=dict(story.log.files))
    return copied


def at_work(exchange: PaperExchange, until: datetime) -> None:
    """Other leaves, so close together that the exchange was at work."""
    while exchange.now < until:
        exchange.now = min(until, exchange.now + CLOCK_LIMIT)
        count = {"code": "call.unsigned", "count": 1}
        span = {"since": encode_time(exchange.now), "until": encode_time(exchange.now)}
        exchange.add_leaf("exchange.calls-refused", **span, refused=[count])


def audit(exchange: PaperExchange, tmp_path: Path, workers: int = 0, progress: Progress | None = None) -> AuditReport:
    return verify_ledger(DirectoryLedger(exchange.write_ledger(tmp_path)), exchange.trust(), progress, workers=workers)


def found(report: AuditReport) -> set[str]:
    assert not report.ok
    return {difference.what for difference in report.differences}


def flip(data: bytes, at: int = -1) -> bytes:
    altered = bytearray(data)
    altered[at] ^= 1
    return bytes(altered)


def rewritten(story: PaperExchange, change: Callable[[list[bytes]], list[bytes]]) -> PaperExchange:
    """A ledger that the log's own keys sign, with other entries."""
    exchange = copy_of(story)
    exchange.log = PaperLog()
    exchange.log.append(change(list(story.log.entries)))
    return exchange


def leaf_of(entry: bytes) -> dict[str, Any]:
    leaf: dict[str, Any] = parse_strict_json(entry.partition(b"\n")[2])
    return leaf


def index_of(story: PaperExchange, type_: str) -> int:
    return next(index for index, entry in enumerate(story.log.entries) if leaf_of(entry)["type"] == type_)


def with_fields(story: PaperExchange, type_: str, **changes: Any) -> PaperExchange:
    """The first leaf of this type says something else."""
    place = index_of(story, type_)

    def change(entries: list[bytes]) -> list[bytes]:
        leaf = {**leaf_of(entries[place]), **changes}
        members = {name: value for name, value in leaf.items() if name not in ("v", "type", "at", "nonce")}
        entries[place] = encode_entry(story.now, encode_leaf(type_, story.now, bytes(16), **members))
        return entries

    return rewritten(story, change)


def submission_of(story: PaperExchange, tmp_path: Path) -> ReceivedEnvelope:
    exchange = PaperExchange(now=story.now, decides=False)
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    open_dossier(exchange.correspond(MA, tmp_path / "another"))
    return exchange.undecided[0]


def forged(received: ReceivedEnvelope, letter: str = "A") -> ReceivedEnvelope:
    """The same envelope under an Ed25519 signature that is none, another one for each letter."""
    jws = json.loads(received.jws_bytes)
    jws["signatures"][0]["signature"] = letter * 85 + "A"
    return read_envelope(jws)


def replace_time(entry: bytes, story: PaperExchange) -> bytes:
    return encode_entry(story.now, entry.partition(b"\n")[2])


def request_text(party_id: str, message: str, at: datetime) -> str:
    """A party's own signed call for a message, as a retrieval holds it."""
    url = f"{URL}/v1/messages/{message}"
    keys = party(party_id)
    headers = sign_calls(keys.api, party_id, lambda: at)("GET", url, {}, None)
    return verify_request("GET", url, dict(headers), b"", lambda _: Ed25519Public(keys.api.public), at).signature_text
