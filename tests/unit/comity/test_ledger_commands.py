"""What an official reads of the ledger: whether a message stands in it, and what the exchange kept back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from client.directory_history import replay_history
from client.key_file import SCRYPT_N_READ, KeyFile, read_key_file, write_key_file
from shared.keys.base64url import parse_b64u
from tests.unit.client.paper_exchange import URL, PaperExchange
from tests.unit.client.test_placeless_messages import no_proofs
from tests.unit.client.test_withheld_events import compromise, withhold
from tests.unit.comity.conftest import PASSPHRASE, Run, document_of
from tests.unit.comity.test_correspondence_commands import FR, MA, sent


def test_a_message_that_is_not_in_the_ledger_yet_is_opened_with_these_words(
    run: Run, request_file: Path, exchange: PaperExchange
) -> None:
    message = sent(run, request_file)["message"]
    exchange.tamper = no_proofs
    assert run(FR, "inbox").exit_code == 0
    assert "Not in the ledger yet" in run(FR, "open", message).stdout
    assert document_of(run(FR, "open", message, "--json"))["logged_at"] is None
    exchange.pass_time(3601)
    late = run(FR, "inbox")
    assert late.exit_code == 4
    assert "[client.message-not-logged]" in late.stdout
    exchange.tamper = lambda path, body: body
    assert run(FR, "inbox").exit_code == 0
    assert "in the ledger since 22 Nov 2026" in run(FR, "open", message).stdout


def test_a_key_event_that_was_withheld_is_told_with_the_letters_and_proven_to_an_auditor(
    run: Run, request_file: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    exchange.tamper = withhold(exchange)
    compromise(exchange)
    exchange.pass_time(600)
    exchange.directory = replay_history([one.decode() for one in exchange.events[:2]], exchange.trust()).latest
    message = sent(run, request_file)["message"]
    exchange.tamper = lambda path, body: body
    told = run(MA, "inbox")
    assert told.exit_code == 4
    assert "WITHHELD  The exchange signed at 2026-11-22T09:40" in told.stdout.replace("\n", " ")
    assert message in told.stdout
    statements = tmp_path / "statements.json"
    assert run(MA, "keys", "statements", "-o", str(statements)).exit_code == 0
    ledger = str(exchange.write_ledger(tmp_path / "ledger"))
    for evidence in (statements, tmp_path / MA / "withheld-key-events.json"):
        audited = run(MA, "audit", "keys", ledger, "--workers", "0", "--against", str(evidence), "--json")
        [false] = document_of(audited)["false_statements"]
        assert audited.exit_code == 4
        assert (false["index"], "compromise of FR.BEPI" in false["why"]) == (2, True)
    true = [one for one in json.loads(statements.read_text())["statements"] if '"index":2' not in payload(one)]
    statements.write_text(json.dumps({"statements": true}))
    audited = run(MA, "audit", "keys", ledger, "--workers", "0", "--against", str(statements), "--json")
    assert document_of(audited)["false_statements"] == []
    statements.write_text(json.dumps({"statements": [true[0][:-4]]}))
    audited = run(MA, "audit", "keys", ledger, "--workers", "0", "--against", str(statements), "--json")
    assert document_of(audited)["error"]["code"] == "client.request-file-invalid"


def payload(statement: str) -> str:
    return parse_b64u(statement.split(".")[1]).decode()


def test_keys_that_do_not_act_yet_have_no_number_for_a_comparison(run: Run, tmp_path: Path) -> None:
    assert "Number for a comparison: " in run(MA, "keys", "show").stdout
    file = tmp_path / MA / "keys.json"
    generations = [replace(one, since=None) for one in read_key_file(file, PASSPHRASE).generations]
    file.unlink()
    write_key_file(file, PASSPHRASE, KeyFile(MA, tuple(generations), min(SCRYPT_N_READ)))
    shown = run(MA, "keys", "show", "--qr")
    assert "No number for a comparison" in shown.stdout
    assert document_of(run(MA, "keys", "show", "--json"))["number"] is None


def test_an_entry_is_proven_from_a_copy_and_the_file_is_checked_with_the_trust_file_alone(
    run: Run, request_file: Path, exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(run, request_file)
    ledger, proof = str(exchange.write_ledger(tmp_path / "ledger")), tmp_path / "one.tlog-proof"
    made = run(MA, "ledger", "prove", "2", ledger, "-o", str(proof))
    assert (made.exit_code, proof.read_bytes().startswith(b"c2sp.org/tlog-proof@v1\nextra ")) == (0, True)
    assert run(MA, "ledger", "prove", "2", ledger, "-o", str(proof)).exit_code != 0, "no file is written over"
    told = run(MA, "ledger", "check", str(proof)).stdout
    assert "registry of instruments published [directory.instruments]" in told
    checked = document_of(run(MA, "ledger", "check", str(proof), "--json"))
    assert (checked["entry"], checked["size"]) == (2, len(exchange.log.entries))
    proof.write_bytes(proof.read_bytes().replace(b"index 2", b"index 3"))
    assert run(MA, "ledger", "check", str(proof)).exit_code == 4
    assert run(MA, "ledger", "prove", "99999", ledger, "-o", str(tmp_path / "none")).exit_code == 1
    assert not (tmp_path / "none").exists()
    nowhere = run(MA, "ledger", "prove", "2", str(tmp_path / "nowhere"), "-o", str(tmp_path / "none"))
    assert (nowhere.exit_code, "comity ledger export FOLDER" in " ".join(nowhere.output.replace("│", " ").split())) == (
        2,
        True,
    )
    monkeypatch.setattr(exchange, "is_auditor", lambda caller: caller == MA)
    onto_a_file = run(MA, "ledger", "export", str(proof))
    assert (onto_a_file.exit_code, "cannot be used: it is no folder" in onto_a_file.output.replace("\n", " ")) == (
        2,
        True,
    )


def test_whoever_has_no_mandate_for_entries_is_told_which_and_whom_to_ask_and_no_folder_is_left(
    run: Run, exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    refused = run(MA, "ledger", "export", str(copy))
    assert (refused.exit_code, copy.exists()) == (1, False)
    told = " ".join(refused.stderr.split())
    assert "auditors with the full mandate alone" in told
    assert "[client.mandate-missing]" in told
    assert "Ask an auditor for a copy" in told
    with monkeypatch.context() as mandated:
        mandated.setattr(exchange, "is_auditor", lambda caller: caller == MA)
        assert run(MA, "ledger", "export", str(copy)).exit_code == 0
    assert run(MA, "ledger", "export", str(copy)).exit_code == 0, "nothing is new, and no entry is asked for"


def test_a_file_that_is_neither_proof_nor_checkpoint_is_named(
    run: Run, exchange: PaperExchange, tmp_path: Path
) -> None:
    """What does not verify then is the file that was given, and not the ledger."""
    ledger, empty = str(exchange.write_ledger(tmp_path / "ledger")), tmp_path / "empty"
    empty.touch()
    checked = document_of(run(MA, "ledger", "check", str(empty), "--json"))["error"]
    assert f"{empty} is no proof of an entry" in checked["sentence"]
    compared = run(MA, "ledger", "compare", str(empty), ledger, "--json")
    assert (compared.exit_code, document_of(compared)["error"]["code"]) == (2, "client.request-file-invalid")
    assert "it is no checkpoint of" in document_of(compared)["error"]["sentence"]


def test_a_checkpoint_that_was_kept_is_compared_with_the_ledger_of_today(
    run: Run, request_file: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_bytes(exchange.log.files["checkpoint"])
    sent(run, request_file)
    ledger = exchange.write_ledger(tmp_path / "ledger")
    compared = document_of(run(MA, "ledger", "compare", str(kept), str(ledger), "--json"))
    assert compared["old_size"] < compared["size"] == len(exchange.log.entries)
    newest = (ledger / "checkpoint").read_bytes()
    (ledger / "checkpoint").write_bytes(kept.read_bytes())
    kept.write_bytes(newest)
    shrunk = run(MA, "ledger", "compare", str(kept), str(ledger))
    assert (shrunk.exit_code, "[ledger.copy-older]" in shrunk.stderr) == (4, True), "a copy was made earlier, or cut"
    exchange.log.files["checkpoint"] = (ledger / "checkpoint").read_bytes()
    rolled_back = run(MA, "ledger", "compare", str(kept), URL)
    assert (rolled_back.exit_code, "the tree shrank" in rolled_back.stderr) == (4, True), "what is served is the newest"
