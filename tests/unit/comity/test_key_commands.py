"""Keys on the command line: renewed, moved, destroyed, re-sealed; and never a secret in what is printed."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path

import pytest
from typer.testing import Result

from client.key_file import StoredKey, read_key_file
from client.keystore import create_operator_key, load_keystore, load_operator_key
from shared.keys.base64url import encode_b64u
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import PASSPHRASE, Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"
SIXTY_DAYS = 60 * 86400


@pytest.fixture
def letter(run: Run, request_file: Path) -> str:
    """A message that France has received and not opened."""
    assert run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite").exit_code == 0
    return str(document_of(run(FR, "inbox", "--json"))["unopened"][0]["message"])


def sealing_kids(run: Run) -> list[str]:
    """Of France, as its file tells them, the newest first."""
    keys = document_of(run(FR, "keys", "show", "--json"))["keys"]
    return [key["kid"] for key in keys if key["use"] == "seal-xwing"]


def test_a_key_is_renewed_and_destroyed_and_the_letter_still_opens(
    run: Run, letter: str, exchange: PaperExchange
) -> None:
    old = sealing_kids(run)[0]
    assert run(FR, "keys", "rotate").exit_code == 0
    new, kept = sealing_kids(run)
    assert (new != old, kept) == (True, old)
    early = run(FR, "keys", "destroy", old, "--yes")
    assert early.exit_code == 1
    assert "accepted for a week" in early.stderr
    exchange.pass_time(SIXTY_DAYS)
    needed = run(FR, "keys", "destroy", old, "--yes")
    assert needed.exit_code == 1
    assert letter in needed.stderr
    assert "comity keys rewrap" in needed.stderr
    moved = run(FR, "keys", "rewrap")
    assert moved.exit_code == 0
    assert "1 messages moved" in moved.stdout
    assert run(FR, "keys", "destroy", old, "--yes").exit_code == 0
    assert sealing_kids(run) == [new]
    assert "Summary of the relevant facts: Money moved." in run(FR, "open", letter).stdout


def test_a_message_that_cannot_be_moved_is_told_and_given_up_by_name_only(
    run: Run, letter: str, exchange: PaperExchange
) -> None:
    old = sealing_kids(run)[0]
    run(FR, "keys", "rotate")
    del exchange.envelopes[letter]
    exchange.pass_time(SIXTY_DAYS)
    told = run(FR, "keys", "rewrap", "--json")
    assert told.exit_code == 1
    assert list(document_of(told)["failed"]) == [letter]
    assert run(FR, "keys", "destroy", old, "--yes", "--give-up", "another").exit_code == 1
    assert run(FR, "keys", "destroy", old, "--yes", "--give-up", letter).exit_code == 0


def test_no_is_an_answer_before_a_key_is_destroyed(run: Run, exchange: PaperExchange) -> None:
    old = sealing_kids(run)[0]
    run(FR, "keys", "rotate")
    exchange.pass_time(SIXTY_DAYS)
    asked = run(FR, "keys", "destroy", old)  # nobody is there to say yes
    assert asked.exit_code == 1
    assert "Destroy FR.BEPI#" in asked.stderr
    assert old in sealing_kids(run)


def test_the_passphrase_is_changed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "next"
    file.touch(mode=0o600)
    file.write_text("an even longer passphrase\n")
    monkeypatch.setenv("COMITY_NEW_PASSPHRASE_FILE", str(file))
    monkeypatch.setenv("COMITY_KEY_COST", "32768")
    assert run(MA, "keys", "passphrase").exit_code == 0
    refused = run(MA, "inbox")
    assert refused.exit_code == 1
    assert "keys.passphrase-wrong" in refused.stderr
    monkeypatch.setenv("COMITY_PASSPHRASE", "an even longer passphrase")
    assert run(MA, "inbox").exit_code == 0


def test_the_passphrase_of_an_operators_file_is_changed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "operator.json"
    made = create_operator_key(file, PASSPHRASE, cost=32768)
    monkeypatch.setenv("COMITY_NEW_PASSPHRASE", "an even longer passphrase")
    monkeypatch.setenv("COMITY_KEY_COST", "32768")
    assert run(MA, "keys", "passphrase", "--file", str(file)).exit_code == 0
    assert load_operator_key(file, "an even longer passphrase").public == made.public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_passphrase_file_that_others_may_read_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.delenv("COMITY_PASSPHRASE")
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    monkeypatch.setenv("COMITY_PASSPHRASE_FILE", str(file))
    file.chmod(mode)
    refused = run(MA, "inbox")
    assert refused.exit_code == 2
    assert "chmod 600" in refused.stderr
    file.chmod(0o400)
    assert run(MA, "inbox").exit_code == 0


def test_a_key_file_that_others_may_read_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / MA / "keys.json").chmod(0o644)
    refused = run(MA, "inbox")
    assert refused.exit_code == 1
    assert "chmod 600" in refused.stderr


CANARY = "canary-passphrase-4Qm7"


def test_no_secret_stands_in_output_logs_or_tracebacks(
    run: Run, letter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every failure that a key file can end in, with tracebacks on."""
    caplog.set_level(logging.DEBUG)
    path = tmp_path / FR / "keys.json"
    whole = path.read_bytes()
    run(FR, "keys", "rotate")
    held = load_keystore(path, PASSPHRASE)
    secrets = [
        form
        for generation in read_key_file(path, PASSPHRASE).generations
        for key in generation.keys
        if isinstance(key, StoredKey)
        for form in (encode_b64u(key.seed), key.seed.hex(), repr(key.seed)[2:-1])
    ]
    shown = [repr(held), repr(held.acting), repr(held.coming), repr(read_key_file(path, PASSPHRASE))]
    monkeypatch.setenv("COMITY_DEBUG", "1")
    shown += [_shown(run(FR, *command)) for command in (("keys", "show"), ("keys", "rewrap"), ("open", letter))]
    document = json.loads(path.read_text())
    for spoilt in (
        whole[:-200],
        json.dumps({**document, "owner": "ES.SGCJI"}).encode(),
        json.dumps({**document, "sealed": "AAAA"}).encode(),
        json.dumps({**document, "kdf": {**document["kdf"], "n": 2**30}}).encode(),
        b"not a key file",
    ):
        path.write_bytes(spoilt)
        shown += [_shown(run(FR, *command)) for command in (("inbox",), ("keys", "rotate"), ("keys", "passphrase"))]
    path.write_bytes(whole)
    for wrong in (CANARY, CANARY + "\udcff"):
        monkeypatch.setenv("COMITY_PASSPHRASE", wrong)
        shown.append(_shown(run(FR, "inbox")))
    monkeypatch.delenv("COMITY_PASSPHRASE")
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    for content in (CANARY.encode(), CANARY.encode() + b"\xff", b"x" * 5000 + CANARY.encode()):
        file.write_bytes(content)
        monkeypatch.setenv("COMITY_PASSPHRASE_FILE", str(file))
        shown.append(_shown(run(FR, "inbox")))
    everything = "\n".join([*shown, caplog.text])
    assert "PassphraseWrong" in everything  # tracebacks are there
    found = [secret for secret in (*secrets, PASSPHRASE, CANARY) if secret in everything]
    assert found == []


def _shown(result: Result) -> str:
    """What was printed, and the traceback with its chain and every exception's arguments."""
    told = [result.output, result.stderr]
    error: BaseException | None = result.exception
    if error is not None:
        told += traceback.format_exception(error)
    while error is not None:
        told += [repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(told)
