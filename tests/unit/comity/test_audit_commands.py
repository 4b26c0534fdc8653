"""What an auditor types, and what comes back: screens, documents, exit codes, and no traceback at wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.audit.time_stamps import build_stamp_request
from shared.errors import ExchangeUnreachable
from tests.unit.client.letters import open_dossier
from tests.unit.client.paper_exchange import URL, PaperExchange
from tests.unit.client.stamping import local_authority
from tests.unit.client.told_ledgers import flip, rewritten
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"


@pytest.fixture
def ledger(exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("comity.audit_options.now", lambda: exchange.now)
    monkeypatch.setattr("comity.audit_follow.now", lambda: exchange.now)
    open_dossier(exchange.correspond(MA, tmp_path / "papers"), FR)
    return exchange.write_ledger(tmp_path / "ledger")


def test_verify_says_what_was_read_and_that_it_verifies(run: Run, ledger: Path) -> None:
    first = run(MA, "audit", "verify", str(ledger))
    assert first.exit_code == 0
    assert "The ledger verifies." in first.stdout
    assert "entries that were here" not in first.stdout
    again = run(MA, "audit", "verify", str(ledger))
    assert "compared with the 5 entries that were here when it was read before" in again.stdout


def test_an_older_copy_is_called_that_and_ends_with_4(
    run: Run, ledger: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    assert run(MA, "audit", "verify", str(ledger)).exit_code == 0
    older = rewritten(exchange, lambda entries: entries[:-1]).write_ledger(tmp_path / "older")
    told = run(MA, "audit", "verify", str(older))
    assert told.exit_code == 4
    assert "older-copy: it has the first 4 of the 5 entries that were read here before" in told.stdout
    assert "What this copy holds verifies. It is older than what was read here before" in told.stdout
    assert "NOT VERIFY" not in told.stdout
    assert "contradict" not in told.stderr
    for words in (["show", str(older)], ["report", str(older)], ["replay", str(older)]):
        refused = run(MA, "audit", *words)
        assert (refused.exit_code, refused.stdout) == (4, ""), "nothing is told of the one by the other"
        assert "With a --keep FOLDER of its own" in refused.stderr
        assert document_of(run(MA, "audit", *words, "--json"))["error"]["code"] == "ledger.copy-older"
    assert run(MA, "audit", "show", str(older), "--keep", str(tmp_path / "apart")).exit_code == 0


def test_a_ledger_that_forked_ends_with_4_and_leaves_its_evidence(
    run: Run, ledger: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    assert run(MA, "audit", "verify", str(ledger), "--keep", str(tmp_path / "kept")).exit_code == 0
    shorter = rewritten(exchange, lambda entries: [*entries[:-2], entries[-1]]).write_ledger(tmp_path / "shorter")
    refused = run(MA, "audit", "verify", str(shorter), "--keep", str(tmp_path / "kept"))
    assert refused.exit_code == 4
    assert "forked" in refused.stdout
    assert "contradict each other are kept in" in refused.stderr
    assert len(list((tmp_path / "kept").glob("*.checkpoint"))) == 2


def test_a_ledger_is_held_against_the_proof_bundle_that_a_court_was_handed(
    run: Run, ledger: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    [message], handed = exchange.envelopes, str(tmp_path / "proof.json")
    run(MA, "inbox")
    made = run(MA, "proof", message, "-o", handed)
    assert made.exit_code == 0, made.stderr
    assert run(MA, "audit", "verify", str(ledger), "--checkpoint", handed).exit_code == 0
    other = rewritten(exchange, lambda entries: [*entries[:-2], entries[-1]]).write_ledger(tmp_path / "other")
    refused = run(FR, "audit", "verify", str(other), "--checkpoint", handed)
    assert (refused.exit_code, "proof.json" in refused.stdout) == (4, True)
    (tmp_path / "broken.json").write_text("{}")
    broken = run(MA, "audit", "verify", str(ledger), "--checkpoint", str(tmp_path / "broken.json"))
    assert (broken.exit_code, "is no checkpoint of" in broken.stderr) == (2, True)


def test_a_promise_that_was_broken_ends_with_4(run: Run, ledger: Path, exchange: PaperExchange, tmp_path: Path) -> None:
    [received] = exchange.envelopes.values()
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "receipt.jws").write_text(exchange.receipt(received) + "\n")
    kept = run(MA, "audit", "verify", str(ledger), "--receipt", str(tmp_path / "receipts"))
    assert (kept.exit_code, "Promise kept: entry 3 decides" in kept.stdout) == (0, True)
    without = rewritten(exchange, lambda entries: entries[:3]).write_ledger(tmp_path / "without")
    exchange.pass_time(3 * 3600)
    arguments = ["audit", "verify", str(without), "--receipt", str(tmp_path / "receipts"), "--json"]
    broken = document_of(run(FR, *arguments))
    assert [one["state"] for one in broken["promises"]] == ["broken"]


def test_what_is_no_ledger_receipt_or_checkpoint_is_said_in_a_sentence(run: Run, ledger: Path, tmp_path: Path) -> None:
    (ledger / "checkpoint").rename(tmp_path / "checkpoint")
    lost = run(MA, "audit", "verify", str(ledger))
    assert (lost.exit_code, "no signed checkpoint" in lost.stdout) == (4, True)
    (tmp_path / "checkpoint").rename(ledger / "checkpoint")
    other = tmp_path / "other.txt"
    other.write_text("not what was asked for")
    for option in ("--receipt", "--checkpoint"):
        wrong = run(MA, "audit", "verify", str(ledger), option, str(other))
        assert wrong.exit_code == 2
        assert "other.txt cannot be used" in wrong.stderr
        assert "does not verify" not in wrong.stderr, "what does not verify is no receipt and no checkpoint"
    assert run(MA, "audit", "verify", str(ledger), "--receipt", str(tmp_path / "gone")).exit_code == 2
    trust = run(MA, "audit", "verify", str(ledger), "--trust", str(other))
    assert (trust.exit_code, "Is it the trust file of your exchange?" in trust.stderr) == (4, True)
    root = run(MA, "audit", "verify", str(ledger), "--stamp-root", str(other))
    assert (root.exit_code, "other.txt cannot be used: it is no certificate" in root.stderr) == (2, True)
    assert run(MA, "audit", "show", str(ledger), "99").exit_code == 1
    assert run(MA, "audit", "show", str(ledger), "--about", "MA26-AAAA-AAAA-A").exit_code == 1
    assert run(MA, "audit", "show", str(ledger), "--since", "yesterday").exit_code == 2


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(run: Run, ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    refused = run(MA, "audit", "verify", str(ledger), "--keep", str(tmp_path / "file"))
    assert refused.exit_code == 1
    assert "client.audit-file-unusable" in refused.stderr
    assert "what is to hold it is no folder" in refused.stderr


def test_a_party_replays_its_own_dossiers_from_a_copy(run: Run, ledger: Path, exchange: PaperExchange) -> None:
    same = run(FR, "audit", "replay", str(ledger))
    assert same.exit_code == 0
    assert "1 dossier with 1 leg made again; compared: the dossiers of this party" in same.stdout


def test_an_old_copy_is_told_to_be_old_before_anybody_is_accused(
    run: Run, ledger: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    open_dossier(exchange.correspond(MA, tmp_path / "papers"), FR)
    result = run(FR, "audit", "replay", str(ledger))
    assert result.exit_code == 4
    assert "The copy is older than what the exchange shows" in result.stderr


def test_follow_tells_one_document_a_line(run: Run, ledger: Path, exchange: PaperExchange) -> None:
    enrolled = run(MA, "audit", "follow", str(ledger), "--once", "--json")
    assert [json.loads(line)["what"] for line in enrolled.stdout.splitlines()] == ["key", "key"]
    run(MA, "audit", "keys", str(ledger), "--explained", "1", "--explained", "2", "--because", "met in Brussels")
    assert run(MA, "audit", "follow", str(ledger), "--once").exit_code == 0, "what was explained for good is not told"
    exchange.pass_time(2 * 86_400)
    stalled = run(MA, "audit", "follow", str(ledger), "--once", "--json")
    assert stalled.exit_code == 4
    [line] = stalled.stdout.splitlines()
    assert (json.loads(line)["what"], json.loads(line)["index"]) == ("stalled", None)
    assert run(MA, "audit", "follow", str(ledger), "--once", "--stalled-after", "72").exit_code == 0


def test_a_timer_that_could_not_look_does_not_end_as_if_nothing_was_found(
    run: Run, ledger: Path, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(path: str, body: bytes) -> bytes:
        raise ExchangeUnreachable(url=URL, why="Connection refused")

    exchange.tamper = away
    looked = run(MA, "audit", "follow", URL, "--once")
    assert (looked.exit_code, "client.exchange-unreachable" in looked.stderr) == (3, True)
    assert "entries read" not in looked.stderr


def test_entries_are_listed_and_one_is_explained(run: Run, ledger: Path) -> None:
    listed = run(MA, "audit", "show", str(ledger), "--per-page", "2")
    assert "MA.PGR → FR.BEPI: request, admitted" in listed.stdout
    assert "5 entries of 5, page 1 of 3; --page 2 shows older ones" in listed.stdout
    found = document_of(run(MA, "audit", "show", str(ledger), "--party", FR, "--kind", "request", "--json"))
    assert [one["index"] for one in found["entries"]] == [3]
    explained = run(MA, "audit", "show", str(ledger), "3").stdout
    assert "Its contents are sealed" in explained
    assert "envelope_sha256" in explained


def test_the_years_figures_of_a_ledger_that_differs_are_worth_nothing(run: Run, ledger: Path) -> None:
    figures = run(MA, "audit", "report", str(ledger), "--year", "2026")
    assert figures.exit_code == 0
    assert "2026: 1 request (leg), 0 the year before" in figures.stdout
    path = ledger / "tile/entries/000.p/5"
    path.write_bytes(flip(path.read_bytes()))
    worthless = run(FR, "audit", "report", str(ledger), "--year", "2026")
    assert worthless.exit_code == 4
    assert "worth nothing" in worthless.stdout


def test_time_stamps_of_a_copy_are_judged_by_root_certificates_alone(
    run: Run, ledger: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    authority, size = local_authority(tmp_path / "tsa"), len(exchange.log.entries)
    (ledger / "stamps").mkdir()
    token = authority.reply(build_stamp_request(exchange.log.head()).der)
    (ledger / "stamps" / f"{size}-tsa.example.tsr").write_bytes(token)
    counted = run(MA, "audit", "verify", str(ledger))
    assert counted.exit_code == 0
    assert "0  of 1 time-stamps verified" in counted.stdout
    assert "no root certificate vouches for them" in counted.stdout
    root = ("--stamp-root", str(authority.folder / "root.pem"))
    assert "1  of 1 time-stamps verified, the newest of" in run(MA, "audit", "verify", str(ledger), *root).stdout
    (ledger / "stamps" / f"{size}-tsa.example.tsr").write_bytes(token[:-1])
    changed = run(MA, "audit", "verify", str(ledger), *root)
    assert changed.exit_code == 4
    assert "time-stamp: stamps/" in changed.stdout
    for wrong in (tmp_path / "nothing.pem", authority.folder / "tsa.cnf"):
        assert run(MA, "audit", "verify", str(ledger), "--stamp-root", str(wrong)).exit_code == 2


@pytest.mark.parametrize("command", ["verify", "show", "report", "replay"])
def test_a_folder_without_a_ledger_is_wrong_use_and_no_accusation(run: Run, tmp_path: Path, command: str) -> None:
    for source in (tmp_path, tmp_path / "gone"):
        result = run(MA, "audit", command, str(source), *(("--year", "2026") if command == "report" else ()))
        assert result.exit_code == 2, result.output
        assert "DOES NOT VERIFY" not in result.output
