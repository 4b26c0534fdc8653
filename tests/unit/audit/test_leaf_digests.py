"""The digest by which a leaf is found again (`docs/adr/0016-digests-begin-with-a-time.md`)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from shared.audit.leaf_catalogue import CATALOGUE
from shared.audit.leaves import digest_of_leaf, encode_leaf
from tests.unit.audit.test_leaves import AT, NONCE, fields_of


def test_an_index_of_digests_grows_at_its_end() -> None:
    for type_ in CATALOGUE:
        written = [encode_leaf(type_, AT + timedelta(seconds=n), NONCE, **fields_of(type_)) for n in range(9)]
        digests = [digest_of_leaf(leaf) for leaf in written]
        assert digests == sorted(digests)
        assert {len(digest) for digest in digests} == {38}


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_a_leaf_of_any_year_has_a_digest(year: int) -> None:
    leaf = encode_leaf("exchange.started", AT.replace(year=year), NONCE, **fields_of("exchange.started"))
    assert digest_of_leaf(leaf)[6:] == hashlib.sha256(leaf).digest()
