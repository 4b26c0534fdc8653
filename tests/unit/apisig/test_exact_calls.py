"""Calls and receipts written from the page as texts: ours reads them as their file says, and writes the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.apisig.directory_statements import DirectoryStatement, sign_statement, verify_statement
from shared.apisig.receipts import Receipt, sign_receipt, verify_receipt
from shared.apisig.request_text import verify_signed_request_text
from shared.apisig.verify import verify_request
from shared.domain.ids import parse_time
from shared.errors import ComityError, DirectoryUndated
from shared.keys.base64url import parse_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import parse_ed25519

FILES = Path(__file__).parents[2] / "vectors" / "calls"
CALLS = json.loads((FILES / "calls.json").read_text(encoding="utf-8"))
STATEMENTS = json.loads((FILES / "directory-statement.json").read_text(encoding="utf-8"))
KEYS = {CALLS["keyid"]: parse_ed25519(parse_b64u(CALLS["public"]))}


def verified(one: dict[str, Any]) -> Any:
    now = parse_time(one["now"])
    return verify_request(one["method"], one["url"], one["headers"], one["body"].encode(), KEYS.get, now)


@pytest.mark.parametrize("one", CALLS["accepted"], ids=lambda one: one["name"])
def test_a_call_of_the_page_is_accepted_and_its_text_is_the_files(one: dict[str, Any]) -> None:
    call = verified(one)
    assert call.signature_text == one["text"]
    assert call.signature_text.startswith(f"{one['signature_base']}\n")
    assert verify_signed_request_text(one["text"], KEYS.get).target_uri == one["url"]


@pytest.mark.parametrize("one", CALLS["refused"], ids=lambda one: one["name"])
def test_a_call_that_leaves_the_profile_is_refused_with_its_code(one: dict[str, Any]) -> None:
    with pytest.raises(ComityError) as refused:
        verified(one)
    assert refused.value.code == one["code"]


def test_the_receipt_of_the_page_is_the_one_that_we_write() -> None:
    kept = json.loads((FILES / "receipt.json").read_text(encoding="utf-8"))
    members = {**kept["members"]}
    times = {name: parse_time(members.pop(name)) for name in ("received_at", "decide_by")}
    receipt = Receipt(**members, received_at=times["received_at"], decide_by=times["decide_by"])
    signer = Ed25519Signer(parse_b64u(kept["seed"]))
    assert sign_receipt(receipt, signer) == kept["receipt"]
    assert verify_receipt(kept["receipt"], signer.public_key()) == receipt


@pytest.mark.parametrize("one", STATEMENTS["accepted"], ids=lambda one: f"of event {one['members']['index']}")
def test_a_statement_of_the_page_is_the_one_that_we_write(one: dict[str, Any]) -> None:
    said = DirectoryStatement(**{**one["members"], "at": parse_time(one["members"]["at"])})
    signer = Ed25519Signer(parse_b64u(STATEMENTS["seed"]))
    assert sign_statement(said, signer) == one["statement"]
    assert verify_statement(one["statement"], signer.public_key()) == said


@pytest.mark.parametrize("one", STATEMENTS["refused"], ids=lambda one: one["name"])
def test_what_is_no_statement_of_the_page_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(DirectoryUndated):
        verify_statement(one["statement"], parse_ed25519(parse_b64u(STATEMENTS["public"])))
