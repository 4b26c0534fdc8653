"""The tree is RFC 6962's: known roots and proofs, a naive reference, and everything that must be refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.tree import (
    EMPTY_ROOT,
    HashReader,
    hash_children,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from shared.errors import LedgerInvalid

# The leaves, roots and proofs that Certificate Transparency's implementations share as test data for RFC 6962.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CT_CONSISTENCY = {
    (1, 8): CT_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
SMALL = 20


def naive_root(entries: list[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written."""
    if not entries:
        return EMPTY_ROOT
    if len(entries) == 1:
        return hash_leaf(entries[0])
    middle = 1
    while middle * 2 < len(entries):
        middle *= 2
    return hash_children(naive_root(entries[:middle]), naive_root(entries[middle:]))


def reader_of(entries: list[bytes]) -> HashReader:
    return lambda level, number: naive_root(entries[number << level : (number + 1) << level])


def numbered(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_that_certificate_transparency_knows(size: int) -> None:
    assert root_at(size, reader_of(CT_LEAVES)).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_proofs_are_those_that_certificate_transparency_knows(index: int, size: int) -> None:
    proof = prove_inclusion(index, size, reader_of(CT_LEAVES))
    assert [part.hex() for part in proof] == CT_INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_that_certificate_transparency_knows(old: int, new: int) -> None:
    proof = prove_consistency(old, new, reader_of(CT_LEAVES))
    assert [part.hex() for part in proof] == CT_CONSISTENCY[old, new]


def test_every_entry_of_every_small_tree_is_proven_and_no_other_is() -> None:
    entries = numbered(SMALL)
    for size in range(1, SMALL + 1):
        root = naive_root(entries[:size])
        for index in range(size):
            proof = prove_inclusion(index, size, reader_of(entries))
            verify_inclusion(hash_leaf(entries[index]), index, size, proof, root)
            for other in range(SMALL):
                if other != index:
                    with pytest.raises(LedgerInvalid):
                        verify_inclusion(hash_leaf(entries[other]), index, size, proof, root)
                    with pytest.raises(LedgerInvalid):
                        verify_inclusion(hash_leaf(entries[index]), other, size, proof, root)


def test_every_small_tree_is_a_beginning_of_every_larger_one_and_a_rewritten_one_is_not() -> None:
    entries = numbered(SMALL)
    rewritten = [b"another past", *entries[1:]]
    for new in range(SMALL + 1):
        for old in range(new + 1):
            old_root, new_root = naive_root(entries[:old]), naive_root(entries[:new])
            proof = prove_consistency(old, new, reader_of(entries))
            verify_consistency(old, old_root, new, new_root, proof)
            if old:
                with pytest.raises(LedgerInvalid):
                    verify_consistency(old, naive_root(rewritten[:old]), new, new_root, proof)
                forged = prove_consistency(old, new, reader_of(rewritten))
                with pytest.raises(LedgerInvalid):
                    verify_consistency(old, old_root, new, naive_root(rewritten[:new]), forged)


@given(st.integers(1, 300), st.data())
def test_a_proof_with_one_hash_changed_dropped_or_added_proves_nothing(size: int, data: st.DataObject) -> None:
    entries = numbered(size)
    root = naive_root(entries)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    old_root = naive_root(entries[:old])
    inclusion = prove_inclusion(index, size, reader_of(entries))
    consistency = prove_consistency(old, size, reader_of(entries))
    for proof in _spoilt(inclusion, data):
        with pytest.raises(LedgerInvalid):
            verify_inclusion(hash_leaf(entries[index]), index, size, proof, root)
    for proof in _spoilt(consistency, data):
        with pytest.raises(LedgerInvalid):
            verify_consistency(old, old_root, size, root, proof)


def _spoilt(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    at = data.draw(st.integers(0, len(proof)))
    added = [*proof[:at], bytes(32), *proof[at:]]
    if at == len(proof):
        return [added, [*proof, EMPTY_ROOT]]
    changed = proof[at][:-1] + bytes([proof[at][-1] ^ 1])
    return [added, [*proof[:at], *proof[at + 1 :]], [*proof[:at], changed, *proof[at + 1 :]]]


@pytest.mark.parametrize("root", [b"", EMPTY_ROOT[:31], EMPTY_ROOT + b"\x00"])
def test_a_root_that_has_not_32_bytes_is_refused(root: bytes) -> None:
    with pytest.raises(LedgerInvalid, match="32"):
        verify_inclusion(EMPTY_ROOT, 0, 1, [], root)
    with pytest.raises(LedgerInvalid, match="32"):
        verify_consistency(1, EMPTY_ROOT, 1, root, [])
    with pytest.raises(LedgerInvalid, match="32"):
        verify_consistency(1, root, 1, EMPTY_ROOT, [])


def test_no_proof_at_all_is_too_short() -> None:
    entries = numbered(5)
    for old in range(1, 5):
        with pytest.raises(LedgerInvalid, match="too short"):
            verify_consistency(old, naive_root(entries[:old]), 5, naive_root(entries), [])
    with pytest.raises(LedgerInvalid, match="too short"):
        verify_inclusion(hash_leaf(entries[0]), 0, 5, [], naive_root(entries))


def test_an_inner_node_cannot_pass_for_a_leaf() -> None:
    left, right = hash_leaf(b"a"), hash_leaf(b"b")
    with pytest.raises(LedgerInvalid):
        verify_inclusion(hash_leaf(left + right), 0, 1, [], hash_children(left, right))


def test_two_different_trees_of_one_size_are_never_consistent() -> None:
    with pytest.raises(LedgerInvalid, match="different roots"):
        verify_consistency(1, hash_leaf(b"a"), 1, hash_leaf(b"b"), [])
    with pytest.raises(LedgerInvalid, match="hash of nothing"):
        verify_consistency(0, hash_leaf(b"a"), 1, hash_leaf(b"a"), [])


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (0, 2**63)])
def test_a_tree_never_shrinks_nor_outgrows_63_bits(old: int, new: int) -> None:
    with pytest.raises(LedgerInvalid):
        verify_consistency(old, EMPTY_ROOT, new, EMPTY_ROOT, [])
    with pytest.raises(LedgerInvalid):
        prove_consistency(old, new, reader_of([]))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1)])
def test_an_entry_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(LedgerInvalid):
        prove_inclusion(index, size, reader_of([b""]))
    with pytest.raises(LedgerInvalid):
        verify_inclusion(hash_leaf(b""), index, size, [], hash_leaf(b""))
