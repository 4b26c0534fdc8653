"""A vkey is one line that reads back as it was; names and keys that signature lines could not bear are refused."""

from __future__ import annotations

import pytest

from shared.audit.notes import SignatureType, encode_vkey, parse_vkey, vkey_of
from shared.audit.signers import signer_from_seed
from shared.errors import KeyRefused
from tests.unit.audit.known_notes import NEUMANN_VKEY, witness


@pytest.mark.parametrize("type_", SignatureType)
def test_a_vkey_is_read_back(type_: SignatureType) -> None:
    key = witness(type_).vkey
    assert parse_vkey(encode_vkey(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        NEUMANN_VKEY.replace("c74f20a3", "c74f20a4"),
        NEUMANN_VKEY.replace("c74f20a3", "C74F20A3"),
        NEUMANN_VKEY.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN_VKEY.replace("PeterNeumann", ""),
        NEUMANN_VKEY.replace("+ARpc", "+AxpD"),
        NEUMANN_VKEY[:-4],
        f"{NEUMANN_VKEY}\n",
        f" {NEUMANN_VKEY}",
        "PeterNeumann+c74f20a3+",
    ],
)
def test_a_vkey_that_is_not_exactly_one_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused):
        parse_vkey(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "x" * 256])
def test_a_name_that_a_signature_line_could_not_hold_is_refused(name: str) -> None:
    with pytest.raises(KeyRefused, match="its name"):
        vkey_of(name, SignatureType.ED25519, parse_vkey(NEUMANN_VKEY).public_key.raw)
    with pytest.raises(KeyRefused, match="its name"):
        signer_from_seed(name, SignatureType.ED25519, bytes(32))


@pytest.mark.parametrize("type_", [SignatureType.ED25519, SignatureType.ED25519_COSIGNATURE])
def test_a_key_under_which_one_signature_verifies_everything_is_refused(type_: SignatureType) -> None:
    identity = b"\x01" + bytes(31)
    with pytest.raises(KeyRefused, match="small order"):
        vkey_of("log.example", type_, identity)
