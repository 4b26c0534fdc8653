"""Proofs from tiles: made by whoever reads them, worth what the checkpoint is worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from client.ledger_proofs import check_entry_proof, prove_continued, prove_entry
from shared.audit.proofs import parse_proof
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, NotInLedger
from tests.unit.audit.paper_log import started_entries
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_ledger_export import Files
from tests.unit.client.told_ledgers import copy_of, replace_time, rewritten


@pytest.fixture
def grown(story: PaperExchange) -> PaperExchange:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    return exchange


def test_every_entry_is_proven_from_the_tiles_and_verifies_offline(grown: PaperExchange) -> None:
    entries = grown.log.entries
    for index in (0, 255, 256, len(entries) - 1):
        raw = prove_entry(Files(grown.log), grown.trust(), index)
        proven = check_entry_proof(parse_proof(raw), grown.trust())
        assert (proven.index, proven.entry, proven.checkpoint.head) == (index, entries[index], grown.log.head())


def test_an_entry_that_is_not_there_is_not_proven(grown: PaperExchange) -> None:
    for index in (-1, len(grown.log.entries)):
        with pytest.raises(NotInLedger, match="nothing that is called entry"):
            prove_entry(Files(grown.log), grown.trust(), index)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000"])
def test_a_proof_is_not_made_from_tiles_that_lie(grown: PaperExchange, path: str) -> None:
    data = grown.log.files[path]
    grown.log.files[path] = data[:40] + bytes([data[40] ^ 1]) + data[41:]
    with pytest.raises(LedgerInvalid):
        prove_entry(Files(grown.log), grown.trust(), 0 if "entries" in path else 2)


def test_a_proof_without_its_entry_proves_nothing(grown: PaperExchange) -> None:
    proof = parse_proof(prove_entry(Files(grown.log), grown.trust(), 7))
    bare = replace(proof, extra=b"")
    with pytest.raises(LedgerInvalid, match="does not hold the entry"):
        check_entry_proof(bare, grown.trust())


def test_a_checkpoint_that_was_kept_is_continued(story: PaperExchange, grown: PaperExchange) -> None:
    proven = prove_continued(Files(grown.log), grown.trust(), story.log.files["checkpoint"])
    assert (proven.old, proven.new) == (story.log.head(), grown.log.head())
    same = prove_continued(Files(grown.log), grown.trust(), grown.log.files["checkpoint"])
    assert (same.old, same.hashes) == (grown.log.head(), ())


def test_a_ledger_that_was_rewritten_or_shrank_continues_nothing(story: PaperExchange, tmp_path: Path) -> None:
    kept = story.log.files["checkpoint"]
    shorter = rewritten(story, lambda entries: entries[:-1])
    other = rewritten(story, lambda entries: [*entries[:3], *entries[4:], *entries[3:4], entries[0]])
    for log in (shorter.log, other.log):
        assert log.head() != TreeHead(story.log.origin, 0, b"")
        with pytest.raises(LedgerInvalid):
            prove_continued(Files(log), story.trust(), kept)
