"""An auditor with the trust file alone finds every rewrite, by a thief of files or by the operator itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.audit_report import AuditReport
from client.auditor import verify_ledger
from client.composition import ReplyWish
from client.ledger_export import export_ledger
from client.ledger_source import DirectoryLedger
from shared.audit.checkpoint import encode_checkpoint
from shared.audit.leaves import encode_entry, encode_leaf
from shared.audit.tree_head import TreeHead
from shared.domain.strict_json import parse_strict_json
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.errors import LedgerInvalid, NotThere
from shared.keys.events import draft_event, encode_event, sign_event
from tests.unit.audit.paper_log import ORIGIN, PaperLog, log_signers, started_entries
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_correspondence import BE, FR, MA, open_dossier, reply
from tests.unit.envelope.workshop import party


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> PaperExchange:
    """A dossier with two legs, an answer, a rejection and retrievals; every decision is intake's own."""
    exchange = PaperExchange()
    home = tmp_path_factory.mktemp("story")
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    ma, fr = exchange.correspond(MA, home), exchange.correspond(FR, home)
    dossier = open_dossier(ma, FR, BE)
    fr.mailbox.read_feed()
    reply(fr, dossier, "acknowledge")
    ma.mailbox.read_feed()
    question = ma.compose_reply(dossier, ReplyWish("ask-status", {}, {}), FR)
    illegal = question.header.model_copy(update={"kind": "close", "act": {}})
    message = ma.seal_and_store(replace(question, header=illegal), ())
    ma.outbox.send(message)
    assert exchange.decisions[message]["code"] == "dossier.illegal-move"
    exchange.record_event("suspend", BE)
    return exchange


def copy_of(story: PaperExchange) -> PaperExchange:
    """The same exchange, to be told otherwise."""
    copied = PaperExchange(now=story.now, events=list(story.events), registry=story.registry)
    copied.directory = story.directory
    copied.legs, copied.spent, copied.envelopes = dict(story.legs), dict(story.spent), dict(story.envelopes)
    copied.log = PaperLog(entries=list(story.log.entries), tiles=dict(story.log.tiles), files=dict(story.log.files))
    return copied


def audit(exchange: PaperExchange, tmp_path: Path, workers: int = 0) -> AuditReport:
    return verify_ledger(DirectoryLedger(exchange.write_ledger(tmp_path)), exchange.trust(), workers=workers)


def found(report: AuditReport) -> set[str]:
    assert not report.ok
    return {difference.what for difference in report.differences}


def test_an_honest_ledger_verifies_and_is_counted(story: PaperExchange, tmp_path: Path) -> None:
    report = audit(story, tmp_path)
    assert report.differences == []
    assert report.ok
    assert report.read == report.size == len(story.log.entries)
    assert (report.leaves["decision.accepted"], report.rejections["dossier.illegal-move"]) == (2, 1)
    assert report.signatures == 6
    assert [change.type for change in report.key_changes] == ["enrol", "enrol", "enrol", "suspend"]


# --- whoever has the files, and not the log's keys -------------------------------------------------------------------


def flip(data: bytes, at: int = -1) -> bytes:
    altered = bytearray(data)
    altered[at] ^= 1
    return bytes(altered)


@pytest.mark.parametrize("what", ["tile/entries/000.p", "tile/0/000.p", "checkpoint"])
def test_one_altered_bit_in_any_file_is_found(story: PaperExchange, tmp_path: Path, what: str) -> None:
    exchange = copy_of(story)
    size = len(exchange.log.entries)
    path = what if what == "checkpoint" else f"{what}/{size}"
    exchange.log.files[path] = flip(exchange.log.files[path], 12)
    assert not audit(exchange, tmp_path).ok


def test_every_single_entry_is_hashed_again(story: PaperExchange, tmp_path: Path) -> None:
    path = f"tile/entries/000.p/{len(story.log.entries)}"
    at = 0
    for entry in story.log.entries:
        exchange = copy_of(story)
        at += 2 + len(entry)
        exchange.log.files[path] = flip(exchange.log.files[path], at - 2)
        assert {"root", "tile"} <= found(audit(exchange, tmp_path))


@pytest.mark.parametrize("what", ["tile/entries/000.p", "tile/0/000.p", "checkpoint"])
def test_a_missing_file_is_found(story: PaperExchange, tmp_path: Path, what: str) -> None:
    exchange = copy_of(story)
    path = what if what == "checkpoint" else f"{what}/{len(exchange.log.entries)}"
    del exchange.log.files[path]
    assert found(audit(exchange, tmp_path)) & {"missing", "checkpoint"}


def test_one_signature_on_the_checkpoint_is_not_enough(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    lines = exchange.log.files["checkpoint"].splitlines(keepends=True)
    exchange.log.files["checkpoint"] = b"".join(lines[:-1])
    assert found(audit(exchange, tmp_path)) == {"checkpoint"}


def test_a_checkpoint_for_another_root_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    head = TreeHead(ORIGIN, len(exchange.log.entries), bytes(32))
    exchange.log.files["checkpoint"] = encode_checkpoint(head, *log_signers())
    assert found(audit(exchange, tmp_path)) == {"root"}


# --- the operator, who signs any ledger it likes ---------------------------------------------------------------------


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


def test_a_dropped_decision_is_found(story: PaperExchange, tmp_path: Path) -> None:
    place = index_of(story, "decision.accepted")
    report = audit(rewritten(story, lambda entries: entries[:place] + entries[place + 1 :]), tmp_path)
    assert {"evidence", "decision"} <= found(report)


def test_a_dropped_key_event_is_found(story: PaperExchange, tmp_path: Path) -> None:
    assert "key-event" in found(audit(rewritten(story, lambda entries: entries[1:]), tmp_path))


def test_a_time_that_goes_back_is_found(story: PaperExchange, tmp_path: Path) -> None:
    def change(entries: list[bytes]) -> list[bytes]:
        early = encode_leaf("exchange.started", story.now, bytes(16), service="intake", version="1")
        return [*entries, encode_entry(story.now - timedelta(days=1), early)]

    assert found(audit(rewritten(story, change), tmp_path)) == {"entry"}


def test_a_post_dated_leaf_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.add_leaf("exchange.started", at=story.now + timedelta(hours=1), service="intake", version="1")
    assert found(audit(exchange, tmp_path)) == {"post-dated"}


def test_a_leaf_outside_the_catalogue_is_found(story: PaperExchange, tmp_path: Path) -> None:
    entry = b'2030-11-22T02:36:28.123456Z\n{"type":"other"}'
    assert found(audit(rewritten(story, lambda entries: [*entries, entry]), tmp_path)) == {"entry"}


@pytest.mark.parametrize(
    ("type_", "changes", "what"),
    [
        ("decision.accepted", {"envelope_sha256": "A" * 43}, "envelope"),
        ("decision.accepted", {"sender": "ES.SGCJI"}, "envelope"),
        ("decision.accepted", {"states": [{"measures": {"M1": "closed"}}]}, "states"),
        ("decision.accepted", {"directory_index": 99}, "directory-index"),
        ("decision.accepted", {"directory_index": 1}, "decision"),
        ("decision.accepted", {"decide_by": "2026-11-20T00:00:00Z"}, "late"),
        ("decision.rejected", {"code": "dossier.stale"}, "decision"),
        ("decision.rejected", {"code": "envelope.signature-invalid"}, "decision"),
        ("decision.rejected", {"jws": None}, "envelope"),
        ("evidence.delivery", {"recipient": "ES.SGCJI"}, "evidence"),
        ("evidence.delivery", {"envelope_sha256": "A" * 43}, "evidence"),
        ("evidence.retrieval", {"recipient": BE}, "retrieval"),
        ("evidence.retrieval", {"request": "nobody asked"}, "retrieval"),
        ("directory.instruments", {"registry_sha256": "A" * 43}, "instruments"),
        ("directory.key-event", {"seq": 9}, "key-event"),
    ],
)
def test_a_leaf_that_says_otherwise_is_found(
    story: PaperExchange, tmp_path: Path, type_: str, changes: dict[str, Any], what: str
) -> None:
    assert what in found(audit(with_fields(story, type_, **changes), tmp_path))


def submission_of(story: PaperExchange, tmp_path: Path) -> ReceivedEnvelope:
    exchange = PaperExchange(now=story.now, decides=False)
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    open_dossier(exchange.correspond(MA, tmp_path / "another"))
    return exchange.undecided[0]


def test_an_acceptance_of_a_forged_envelope_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    received = submission_of(story, tmp_path)
    jws = json.loads(received.jws_bytes)
    jws["signatures"][0]["signature"] = "A" * 86
    forged = json.dumps({"jws": jws, "wraps": [], "parts": []}).encode()
    exchange.log_decision(parse_submission(forged), None, jws=jws)
    assert "decision" in found(audit(exchange, tmp_path))


def test_a_rejection_under_a_pretext_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.expired")
    report = audit(exchange, tmp_path)
    assert found(report) == {"decision"}
    assert "by the rules it is accepted" in report.differences[0].why


def test_a_code_that_only_sealed_parts_explain_is_counted_and_not_believed(
    story: PaperExchange, tmp_path: Path
) -> None:
    exchange = copy_of(story)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.part-mismatch")
    report = audit(exchange, tmp_path)
    assert report.ok
    assert report.taken_on_trust == 1


def test_a_message_decided_twice_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log_decision(next(iter(story.envelopes.values())), "dossier.exists")
    assert found(audit(exchange, tmp_path)) == {"decided-twice"}


def test_a_directory_kept_stale_on_purpose_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.pass_time(3600)
    received = submission_of(exchange, tmp_path)
    index = story.directory.index - 1
    exchange.log_decision(received, "dossier.unknown", directory_index=index)
    assert "directory-index" in found(audit(exchange, tmp_path))


def test_a_key_event_with_one_operators_signature_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    event = draft_event("reinstate", story.directory, story.now, BE)
    document = encode_event(event, [sign_event(event, story.operators[0])])
    exchange.add_leaf("directory.key-event", event=json.loads(document), seq=story.directory.index + 1)
    assert found(audit(exchange, tmp_path)) == {"key-event"}


def test_a_swapped_sealing_key_is_in_the_list_of_key_changes(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    stolen = replace(party("ES.SGCJI"), authority=FR).prove(story.now, story.now + timedelta(days=30))
    exchange.record_event("recover", FR, keys=stolen)
    report = audit(exchange, tmp_path)
    assert report.ok
    assert (report.key_changes[-1].type, report.key_changes[-1].party) == ("recover", FR)


# --- size ------------------------------------------------------------------------------------------------------------


def test_worker_processes_and_several_levels_of_tiles_change_nothing(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = copy_of(story)
    plain = [replace_time(entry, story) for entry in started_entries(1300)]
    exchange.log.append(plain)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.expired")
    serial = audit(exchange, tmp_path)
    monkeypatch.setattr("client.auditor.POOL_FROM", 1)
    pooled = audit(exchange, tmp_path, workers=2)
    assert serial.as_json() == pooled.as_json()
    assert (serial.size, serial.difference_count) == (len(story.log.entries) + 1301, 1)
    assert serial.signatures == 8


def replace_time(entry: bytes, story: PaperExchange) -> bytes:
    return encode_entry(story.now, entry.partition(b"\n")[2])


def test_a_tile_of_a_higher_level_is_compared_too(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    level_one = next(tile for tile in exchange.log.tiles if tile.level == 1 and tile.width == 2)
    exchange.log.files[level_one.path] = flip(exchange.log.files[level_one.path])
    assert found(audit(exchange, tmp_path)) == {"tile"}


# --- export ----------------------------------------------------------------------------------------------------------


class Files:
    """A source that counts what it is asked for."""

    def __init__(self, log: PaperLog) -> None:
        self.log = log
        self.asked: list[str] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        if path not in self.log.files:
            raise NotThere()
        return self.log.files[path]


def test_an_export_is_a_whole_ledger_and_grows_by_what_is_new(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    first = export_ledger(Files(exchange.log), tmp_path / "out", exchange.trust())
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), exchange.trust(), workers=0).ok
    exchange.log.append([replace_time(entry, story) for entry in started_entries(300)])
    source = Files(exchange.log)
    second = export_ledger(source, tmp_path / "out", exchange.trust())
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), exchange.trust(), workers=0).ok
    assert (first.old_size, second.old_size) == (0, first.size)
    assert "tile/entries/000" not in source.asked
    partial = [path for path in (tmp_path / "out").rglob("*") if ".p" in str(path.parent.name)]
    assert len(partial) == 3  # entries, level 0, level 1: of the newest checkpoint only


def test_an_export_refuses_a_ledger_that_does_not_continue_the_one_before(story: PaperExchange, tmp_path: Path) -> None:
    export_ledger(Files(story.log), tmp_path / "out", story.trust())
    other = PaperLog()
    other.append([replace_time(entry, story) for entry in started_entries(500)])
    with pytest.raises(LedgerInvalid):
        export_ledger(Files(other), tmp_path / "out", story.trust())
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), story.trust(), workers=0).ok


def test_an_export_refuses_a_ledger_that_shrank(story: PaperExchange, tmp_path: Path) -> None:
    export_ledger(Files(story.log), tmp_path / "out", story.trust())
    shorter = rewritten(story, lambda entries: entries[:-1])
    with pytest.raises(LedgerInvalid, match="shrank"):
        export_ledger(Files(shorter.log), tmp_path / "out", story.trust())
