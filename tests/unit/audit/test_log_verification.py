"""A reader of a whole log sees every rewrite, and needs no more memory than one hash per level."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.audit.leaves import encode_entry
from shared.audit.log_verification import LogVerifier
from shared.audit.tree import EMPTY_ROOT, hash_leaf
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid
from tests.unit.audit.paper_log import BEGINNING, ORIGIN, PaperLog, started_entries, started_leaf
from tests.unit.audit.test_tree import naive_root

ENTRIES = started_entries(300)


def verifier_of(count: int) -> LogVerifier:
    verifier = LogVerifier()
    for entry in ENTRIES[:count]:
        verifier.add(entry)
    return verifier


def test_the_root_after_each_entry_is_that_of_the_tree() -> None:
    verifier = LogVerifier()
    assert (verifier.size, verifier.root()) == (0, EMPTY_ROOT)
    for number, entry in enumerate(ENTRIES):
        logged = verifier.add(entry)
        assert (logged.index, logged.logged_at) == (number, BEGINNING + timedelta(seconds=number))
        assert logged.leaf.type == "exchange.started"
        assert verifier.root() == naive_root(ENTRIES[: number + 1])


def test_a_log_is_held_against_every_checkpoint_on_the_way() -> None:
    log = PaperLog()
    verifier = LogVerifier()
    for start, end in ((0, 1), (1, 255), (255, 256), (256, 300)):
        log.append(ENTRIES[start:end])
        for entry in ENTRIES[start:end]:
            verifier.add(entry)
        verifier.check(log.head())


def test_a_rewritten_reordered_or_dropped_entry_shows_in_the_root() -> None:
    log = PaperLog()
    log.append(ENTRIES[:5])
    leaf_changed = encode_entry(BEGINNING + timedelta(seconds=2), started_leaf(77))
    back_dated = encode_entry(BEGINNING + timedelta(seconds=1), started_leaf(2))
    swapped = encode_entry(BEGINNING + timedelta(seconds=2), started_leaf(3))
    for rewritten in (leaf_changed, back_dated, swapped):
        verifier = verifier_of(2)
        for entry in (rewritten, *ENTRIES[3:5]):
            verifier.add(entry)
        with pytest.raises(LedgerInvalid, match="do not have the root"):
            verifier.check(log.head())


def test_a_checkpoint_of_another_size_is_not_compared_but_refused() -> None:
    verifier = verifier_of(3)
    with pytest.raises(LedgerInvalid, match="4 entries, 3 were read"):
        verifier.check(TreeHead(ORIGIN, 4, verifier.root()))


def test_time_stands_still_but_never_goes_back() -> None:
    verifier = verifier_of(3)
    at = BEGINNING + timedelta(seconds=2)
    verifier.add(encode_entry(at, started_leaf(9)))
    before = verifier.root()
    with pytest.raises(LedgerInvalid, match="entry 4 was logged before"):
        verifier.add(encode_entry(at - timedelta(microseconds=1), started_leaf(9)))
    assert (verifier.size, verifier.root()) == (4, before)
    verifier.add(encode_entry(at, started_leaf(9)))


@pytest.mark.parametrize("entry", [b"", ENTRIES[0][:-1], ENTRIES[0] + b" ", started_leaf(1), b"x" * 65_536])
def test_an_entry_that_no_leaf_of_the_catalogue_is_in_is_refused_by_its_index(entry: bytes) -> None:
    verifier = verifier_of(3)
    before = verifier.root()
    with pytest.raises(LedgerInvalid, match="entry 3"):
        verifier.add(entry)
    assert (verifier.size, verifier.root()) == (3, before)


def test_one_entry_makes_its_own_hash_the_root() -> None:
    assert verifier_of(1).root() == hash_leaf(ENTRIES[0])
