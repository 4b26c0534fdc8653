"""What an official types, and what comes back: screens, documents and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import new_entries
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"


def sent(run: Run, request_file: Path, *more: str) -> dict[str, str]:
    result = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", *more, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, str] = document_of(result)
    return found


def test_a_request_goes_out_comes_in_is_opened_and_answered(run: Run, request_file: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7")
    out = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--attach", str(scan))
    assert out.exit_code == 0
    assert "accepted 22 Nov 2026 09:30 UTC" in out.stdout
    unopened = document_of(run(FR, "inbox", "--json"))["unopened"]
    opened = run(FR, "open", unopened[0]["message"][-6:], "-o", str(tmp_path / "out"))
    assert "Summary of the relevant facts: Money moved." in opened.stdout
    assert (tmp_path / "out" / "scan.pdf").read_bytes() == b"%PDF-1.7"
    assert json.loads((tmp_path / "out" / "content.json").read_text())["purpose"] == CONTENT["purpose"]
    assert document_of(run(FR, "inbox", "--json"))["unopened"] == []
    answer = run(FR, "reply", unopened[0]["number"], "acknowledge")
    assert "acknowledge to MA.PGR" in answer.stdout
    assert "acknowledge received · FR.BEPI" in run(MA, "inbox").stdout
    shown = run(MA, "show", unopened[0]["number"]).stdout
    assert "request  MA.PGR → FR.BEPI  accepted" in shown
    assert "acknowledge  FR.BEPI → MA.PGR  received  not opened" in shown


def test_the_status_line_tells_turn_and_date_and_never_paints_policy_as_law(run: Run, request_file: Path) -> None:
    number = sent(run, request_file)["number"]
    lines = run(MA, "status", number).stdout.splitlines()
    assert lines[1] == (
        "FR M1 · acknowledgement · waiting on FR.BEPI · since 22 Nov · no legal limit; target 29 Nov (policy)"
        " · calendar fr.sample-2026-1"
    )


def test_an_overdue_line_says_so(run: Run, request_file: Path, exchange: PaperExchange) -> None:
    number = sent(run, request_file)["number"]
    exchange.pass_time(8 * 86400)
    assert "target 29 Nov (policy), passed" in run(MA, "status", number).stdout
    assert document_of(run(MA, "status", number, "--json"))["lines"][0]["dues"][0]["overdue"] is True


def test_a_status_with_something_unread_points_to_the_inbox(run: Run, request_file: Path) -> None:
    number = sent(run, request_file)["number"]
    run(FR, "inbox")
    run(FR, "reply", number, "acknowledge")
    assert "run `comity inbox`" in run(MA, "status", number).stdout
    run(MA, "inbox")
    assert "run `comity inbox`" not in run(MA, "status", number).stdout


def test_a_rejection_exits_with_1_and_says_what_to_do_next(
    run: Run, request_file: Path, exchange: PaperExchange
) -> None:
    exchange.record_event("suspend", FR)
    exchange.events.pop()  # the client does not know yet: the exchange rejects, not the client
    result = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    assert result.exit_code == 1
    assert "[message.unknown-recipient]" in result.stdout
    assert "is suspended" in result.stdout


def test_missing_fields_are_named_and_nothing_is_sent(run: Run, tmp_path: Path, exchange: PaperExchange) -> None:
    file = tmp_path / "incomplete.json"
    file.write_text(json.dumps({"v": 1, "measures": {"M1": {"type": "bank-data"}}, "content": {}}))
    result = run(MA, "send", str(file), "--to", FR, "--instrument", "quadripartite")
    assert result.exit_code == 1
    assert "Summary of the relevant facts (facts)" in result.stderr
    assert "message.incomplete-body" in result.stderr
    assert not exchange.decisions


def test_a_stale_answer_is_refused_with_its_code(run: Run, request_file: Path) -> None:
    number = sent(run, request_file)["number"]
    run(FR, "inbox")
    run(FR, "reply", number, "refuse", "--ground", "essential-interests", "--reasons", "sealed")
    result = run(MA, "reply", number, "close", "--json")
    assert result.exit_code == 1
    assert document_of(result)["error"]["code"] == "dossier.stale"


def test_a_refusal_needs_ground_and_reasons(run: Run, request_file: Path) -> None:
    number = sent(run, request_file)["number"]
    run(FR, "inbox")
    result = run(FR, "reply", number, "refuse", "--ground", "essential-interests")
    assert result.exit_code == 1
    assert "dossier.ground-missing" in result.stderr


def test_text_fills_the_first_mandatory_field_of_the_kind(run: Run, request_file: Path) -> None:
    number = sent(run, request_file)["number"]
    run(FR, "inbox")
    asked = run(FR, "reply", number, "ask-information", "--due", "2026-12-01", "--text", "Which account?", "--json")
    run(MA, "inbox")
    opened = document_of(run(MA, "open", document_of(asked)["message"], "--json"))
    assert (opened["content"], opened["act"]) == ({"questions": "Which account?"}, {"due": "2026-12-01"})


def test_one_outcome_stands_for_every_measure(run: Run, request_file: Path) -> None:
    number = sent(run, request_file)["number"]
    run(FR, "inbox")
    result = run(FR, "reply", number, "deliver-result", "--outcome", "executed", "--text", "Annexed.")
    assert result.exit_code == 0, result.stderr
    assert document_of(run(MA, "status", number, "--json"))["status"] == "result-delivered"


def test_without_waiting_the_decision_is_pending(run: Run, request_file: Path, exchange: PaperExchange) -> None:
    exchange.decides = False
    arguments = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--no-wait", "--json")
    result = run(MA, *arguments)
    assert result.exit_code == 0
    assert document_of(result)["decision"] == "pending"
    assert [one["message"] for one in document_of(run(MA, "inbox", "--json"))["unsent"]] == [
        document_of(result)["message"]
    ]


def test_a_promise_that_was_not_kept_exits_with_4_and_leaves_its_proof(
    run: Run, request_file: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    exchange.decides = False
    message = sent(run, request_file, "--no-wait")
    exchange.pass_time(3601)
    inbox = run(MA, "inbox", "--json")
    assert inbox.exit_code == 4
    assert [one["code"] for one in document_of(inbox)["alarms"]] == ["client.promise-broken"]
    assert run(MA, "proof", message["message"], "-o", str(tmp_path / "proof")).exit_code == 0
    assert json.loads((tmp_path / "proof").read_bytes())["receipt"] == message["receipt"]


def test_an_exchange_that_cannot_be_reached_exits_with_3_and_keeps_the_message(
    run: Run, request_file: Path, exchange: PaperExchange
) -> None:
    exchange.failures = [httpx2.ConnectError("no route to host")] * 40
    result = run(MA, "inbox")
    assert result.exit_code == 3
    assert "cannot be reached: no route to host" in result.stderr


def test_an_alarm_exits_with_4(run: Run, request_file: Path, exchange: PaperExchange) -> None:
    message = sent(run, request_file)["message"]
    exchange.tamper = lambda path, body: b"{}" if path == f"/v1/messages/{message}" else body
    result = run(FR, "inbox")
    assert result.exit_code == 4
    assert f"ALARM  {message}" in result.stdout


def test_a_message_that_does_not_verify_shows_nothing(run: Run, request_file: Path, exchange: PaperExchange) -> None:
    message = sent(run, request_file)["message"]
    run(FR, "inbox")
    exchange.tamper = lambda path, body: body[:-1] + bytes([body[-1] ^ 1]) if path.endswith("/body") else body
    result = run(FR, "open", message)
    assert result.exit_code == 4
    assert "Money moved" not in result.output


def test_a_hostile_text_cannot_repaint_the_terminal(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "hostile.json"
    content = {**CONTENT, "facts": "\u001b[2J\u009b1mAll is well\u202e"}
    file.write_text(json.dumps({"v": 1, "measures": {"M1": {"type": "bank-data"}}, "content": content}))
    message = sent(run, file)["message"]
    run(FR, "inbox")
    for shown in (run(FR, "open", message).stdout, run(FR, "open", message, "--json").stdout):
        assert not {"\u001b", "\u009b", "\u202e"} & set(shown)
        assert "All is well" in shown


def test_opening_twice_into_one_directory_replaces_nothing(run: Run, request_file: Path, tmp_path: Path) -> None:
    message = sent(run, request_file)["message"]
    run(FR, "inbox")
    run(FR, "open", message, "-o", str(tmp_path / "out"))
    result = run(FR, "open", message, "-o", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "File exists" in result.stderr


def test_a_directory_that_is_a_file_is_one_clear_sentence(run: Run, request_file: Path) -> None:
    message = sent(run, request_file)["message"]
    result = run(MA, "open", message, "-o", str(request_file))
    assert result.exit_code == 2
    assert f"The file {request_file} cannot be used: File exists." in result.stderr


def test_no_attachment_is_written_where_a_shell_would_read_it(run: Run, request_file: Path, tmp_path: Path) -> None:
    hidden = tmp_path / ".bash_login"
    hidden.write_text("echo hello")
    message = sent(run, request_file, "--attach", str(hidden))["message"]
    run(FR, "inbox")
    run(FR, "open", message, "-o", str(tmp_path / "home"))
    assert {file.name for file in (tmp_path / "home").iterdir()} == {"content.json", "p1-.bash_login"}


def test_proofs_verify(run: Run, request_file: Path) -> None:
    message = sent(run, request_file)["message"]
    run(FR, "inbox")
    result = run(MA, "proof", message)
    assert result.exit_code == 0, result.output
    assert "receipt: verified" in result.stdout
    assert "delivery FR.BEPI 22 Nov 2026 09:30 UTC: verified" in result.stdout


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("proof", lambda text: text.replace("index ", "index 1")),
        ("proof", lambda text: text.replace("extra M", "extra N")),
        ("recipient", lambda text: "ES.SGCJI"),
        ("kind", lambda text: "non-delivery"),
    ],
    ids=["place", "entry", "recipient", "kind"],
)
def test_an_evidence_that_was_altered_exits_with_4(
    run: Run, request_file: Path, exchange: PaperExchange, member: str, change: Callable[[str], str]
) -> None:
    message = sent(run, request_file)["message"]

    def alter(path: str, body: bytes) -> bytes:
        if not path.endswith("/evidences"):
            return body
        document = json.loads(body)
        before = document["items"][0][member]
        document["items"][0][member] = change(before)
        assert document["items"][0][member] != before
        return json.dumps(document).encode()

    exchange.tamper = alter
    result = run(MA, "proof", message)
    assert result.exit_code == 4
    assert "does not verify" in result.stdout


def test_keys_of_another_party_are_compared_once(run: Run, exchange: PaperExchange) -> None:
    shown = run(MA, "keys", "compare", FR)
    assert "by event 2 (enrol)" in shown.stdout
    number = json.loads(run(MA, "keys", "compare", FR, "--json").stdout)["number"]
    assert run(MA, "keys", "compare", FR, "--against", number).exit_code == 0
    assert run(MA, "keys", "compare", "ES.SGCJI").exit_code == 1


def test_watching_prints_each_event_once_until_the_line_breaks(
    run: Run, request_file: Path, exchange: PaperExchange
) -> None:
    message = sent(run, request_file)["message"]
    asked = 0

    def break_the_line(path: str, body: bytes) -> bytes:
        nonlocal asked
        asked += path == "/v1/feed"
        if asked > 4:
            raise httpx2.ReadError("the line broke")
        return body

    exchange.tamper = break_the_line
    result = run(FR, "watch", "--json")
    assert result.exit_code == 3
    told = [line for line in result.stdout.splitlines() if message in line]
    assert [json.loads(line)["type"] for line in told] == ["message.received"]
    assert "client.exchange-unreachable" in result.stdout


def test_keys_are_compared_by_the_same_number_on_both_sides(run: Run) -> None:
    theirs = document_of(run("FR.BEPI", "keys", "show", "--json"))["number"]
    seen = document_of(run(MA, "keys", "compare", "FR.BEPI", "--json"))
    assert seen["number"] == theirs
    assert [len(group) for group in theirs.split()] == [5] * 8
    assert document_of(run(MA, "keys", "show", "--json"))["number"] != theirs


def test_an_unexplained_key_event_ends_the_audit_with_4_until_it_is_explained(
    run: Run, exchange: PaperExchange, tmp_path: Path
) -> None:
    ledger = str(exchange.write_ledger(tmp_path / "ledger"))
    enrolled = run(MA, "audit", "keys", ledger)
    assert enrolled.exit_code == 4
    assert "ENROLLED: the operators say that it is this party" in enrolled.stdout
    assert run(MA, "audit", "keys", ledger, "--explained", "1", "--explained", "2").exit_code == 0
    kept = run(MA, "audit", "keys", ledger, "--explained", "1", "--explained", "2", "--because", "met in Brussels")
    assert kept.exit_code == 0
    assert run(MA, "audit", "keys", ledger).exit_code == 0, "what was explained for good is not asked again"
    for wrong in (["--because", "x"], ["--explained", "9", "--because", "x"], ["--explained", "1", "--because", " "]):
        assert run(MA, "audit", "keys", ledger, *wrong).exit_code == 2
    entries = new_entries(exchange, "FR.BEPI")
    exchange.record_event("recover", "FR.BEPI", keys=entries)
    shown = tmp_path / "shown.json"
    shown.write_text(json.dumps({"events": [one.decode() for one in exchange.events]}))
    behind = run(MA, "audit", "keys", ledger, "--against", str(shown), "--json")
    assert behind.exit_code == 4
    assert [one["proves_two_stories"] for one in document_of(behind)["not_in_the_ledger"]] == [True]
    exchange.write_ledger(tmp_path / "ledger")
    flagged = run(MA, "audit", "keys", ledger)
    assert flagged.exit_code == 4
    assert "RECOVERED: ask the party" in flagged.stdout
    assert run(MA, "audit", "keys", ledger, "--explained", "3", "--against", str(shown)).exit_code == 0
