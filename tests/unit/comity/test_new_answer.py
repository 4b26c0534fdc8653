"""An answer is written step by step: only what its leg allows is asked, and `comity send` takes what comes out."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from client.forms.answer_draft import AnswerDraft
from shared.errors import RequestFileInvalid
from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"
REQUEST = {
    "v": 1,
    "instrument": "ma-fr-2008",
    "measures": {"M1": {"type": "bank-data", "target": "An account"}, "M2": {"type": "testimony"}},
    "content": CONTENT,
}


def typed(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def drafts(home: Path) -> list[str]:
    return sorted(one.name for one in (home / "drafts").rglob("*.json"))


@pytest.fixture
def dossier(run: Run, tmp_path: Path) -> str:
    """A request of Rabat that Paris has read."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps(REQUEST))
    sent = document_of(run(MA, "send", str(file), "--to", FR, "--json"))
    run(FR, "inbox")
    return str(sent["dossier"])


def test_a_refusal_is_asked_step_by_step_and_sent(run: Run, tmp_path: Path, dossier: str) -> None:
    file = tmp_path / "no.json"
    answers = typed("M2", "1", "It would harm", "the case.", ".", "w", str(file))
    asked = run(FR, "new", "refuse", "--dossier", dossier, typed=answers)
    assert asked.exit_code == 0, asked.output
    assert "Testimony" in asked.stderr
    written = json.loads(file.read_text())
    assert (written["kind"], written["measures"], len(written["act"]["grounds"])) == ("refuse", ["M2"], 1)
    assert written["content"] == {"reasons": "It would harm\nthe case."}
    assert "begun" not in written
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert drafts(tmp_path / FR) == []
    assert f"comity send {file}" in asked.stdout
    assert document_of(run(FR, "send", str(file), "--json"))["decision"] == "accepted"
    states = {one["measures"][0]: one["state"] for one in document_of(run(FR, "status", dossier, "--json"))["lines"]}
    assert states["M2"] == "refused"


def test_whoever_stops_in_the_middle_goes_on_with_nothing_lost(run: Run, tmp_path: Path, dossier: str) -> None:
    stopped = run(FR, "new", "refuse", "--dossier", dossier, typed=typed("1 2", "1", "Not fin"))
    assert stopped.exit_code == 0, stopped.output
    assert "Reasons for the refusal (reasons) is missing" in stopped.stdout
    [name] = [line.split("--draft ")[1] for line in stopped.stdout.splitlines() if "--draft " in line]
    file = tmp_path / "no.json"
    answers = typed("It harms the case.", ".", "w", str(file))
    again = run(FR, "new", "refuse", "--dossier", dossier, "--draft", name, "--json", typed=answers)
    assert document_of(again) == {"draft": None, "file": str(file), "missing": []}
    assert json.loads(file.read_text())["measures"] == ["M1", "M2"]


def test_a_draft_that_lies_there_is_offered_for_its_kind_and_dossier_alone(run: Run, dossier: str) -> None:
    run(FR, "new", "refuse", "--dossier", dossier, "--draft", "one", typed=typed("!"))
    assert "refuse.one" in run(FR, "new", "refuse", "--dossier", dossier, typed=typed("!")).stderr
    assert "refuse.one" not in run(FR, "new", "return", "--dossier", dossier, typed=typed("!")).stderr


@pytest.mark.parametrize(("who", "kind"), [(FR, "deliver-partial"), (MA, "accept"), (MA, "resend")])
def test_what_is_not_possible_is_refused_before_the_first_question(
    run: Run, tmp_path: Path, dossier: str, who: str, kind: str
) -> None:
    refused = run(who, "new", kind, "--dossier", dossier, "--json", typed=typed("1"))
    assert refused.exit_code == 1
    error = document_of(refused)["error"]
    assert error["code"] == "client.kind-not-now"
    possible = "acknowledge (Acknowledgement of receipt)" if who == FR else "withdraw (Withdrawal)"
    assert possible in error["sentence"]
    assert not (tmp_path / who / "drafts").exists()


@pytest.mark.parametrize(
    "arguments",
    [("refuse",), ("mla-request", "--dossier", "x"), ("refuse", "--dossier", "x", "--relation", "notice")],
)
def test_a_mixture_of_request_and_answer_is_wrong_use(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(FR, "new", *arguments).exit_code == 2


def test_what_came_while_the_draft_lay_is_told_and_what_became_impossible_is_left_out(
    run: Run, tmp_path: Path, dossier: str
) -> None:
    run(FR, "new", "accept", "--dossier", dossier, "--draft", "one", typed=typed("", "!"))
    run(MA, "reply", dossier, "withdraw", "--measure", "M2")
    unread = run(FR, "new", "accept", "--dossier", dossier, "--draft", "one", typed=typed("!"))
    assert "dossier.stale" in unread.output
    run(FR, "inbox")
    file = tmp_path / "yes.json"
    told = run(FR, "new", "accept", "--dossier", dossier, "--draft", "one", typed=typed("", "w", str(file))).stderr
    assert f"Withdrawal of {MA}" in told
    assert "M2: submitted → withdrawn" in told
    assert "M2 is left out" in told
    assert json.loads(file.read_text())["measures"] == ["M1"]


def test_an_answer_to_a_state_that_is_past_goes_only_when_its_sender_says_that_he_knows(
    run: Run, tmp_path: Path, dossier: str
) -> None:
    file = tmp_path / "yes.json"
    run(FR, "new", "accept", "--dossier", dossier, typed=typed("M1", "", "w", str(file)))
    run(MA, "reply", dossier, "withdraw", "--measure", "M2")
    run(FR, "inbox")
    outdated = run(FR, "send", str(file), "--json")
    assert document_of(outdated)["error"]["code"] == "client.answer-outdated"
    assert document_of(run(FR, "send", str(file), "--anyway", "--json"))["decision"] == "accepted"


def test_a_result_asks_the_outcome_of_each_measure(run: Run, tmp_path: Path, dossier: str) -> None:
    file = tmp_path / "result.json"
    answers = typed("", "executed", "executed-in-part", "All statements.", ".", "w", str(file))
    result = run(FR, "new", "deliver-result", "--dossier", dossier, typed=answers)
    assert result.exit_code == 0, result.output
    assert json.loads(file.read_text())["act"] == {"outcomes": {"M1": "executed", "M2": "executed-in-part"}}
    assert document_of(run(FR, "send", str(file), "--json"))["decision"] == "accepted"


def test_what_the_reply_would_refuse_is_told_before_the_file_is_written(
    run: Run, tmp_path: Path, dossier: str, exchange: PaperExchange
) -> None:
    file = tmp_path / "no.json"
    answers = typed("M1", "", "Reasons.", ".", "w", "2", "!")
    told = run(FR, "new", "refuse", "--dossier", dossier, typed=answers)
    assert "the grounds of refusal, at least one (grounds) is missing" in told.stderr
    assert not file.exists()


def test_what_was_not_delivered_is_written_again_with_all_it_said(
    run: Run, tmp_path: Path, exchange: PaperExchange
) -> None:
    request, file = tmp_path / "request.json", tmp_path / "again.json"
    request.write_text(json.dumps(REQUEST))
    exchange.deliver, deliver = exchange.keep, exchange.deliver  # type: ignore[method-assign]  # it hangs
    dossier = document_of(run(MA, "send", str(request), "--to", FR, "--json"))["dossier"]
    exchange.pass_time(12.5 * 3600)
    exchange.deliver = deliver  # type: ignore[method-assign]  # it works again
    result = run(MA, "new", "resend", "--dossier", dossier, typed=typed("", "w", str(file)))
    assert result.exit_code == 0, result.output
    assert document_of(run(MA, "send", str(file), "--json"))["decision"] == "accepted"
    run(FR, "inbox")
    assert document_of(run(FR, "show", dossier, "--json"))


@pytest.mark.parametrize("document", ["[]", "{}", '{"kind": "accept", "begun": {}}'])
def test_what_is_no_draft_of_an_answer_is_one_clear_sentence(tmp_path: Path, document: Any) -> None:
    (tmp_path / "one.json").write_text(document)
    with pytest.raises(RequestFileInvalid, match="no draft of an answer"):
        AnswerDraft.load(tmp_path / "one.json")


def test_a_request_still_needs_to_be_told_to_whom_it_goes(run: Run, tmp_path: Path, dossier: str) -> None:
    assert run(MA, "send", str(tmp_path / "request.json")).exit_code == 2
    file = tmp_path / "yes.json"
    run(FR, "new", "accept", "--dossier", dossier, typed=typed("M1", "", "w", str(file)))
    assert run(FR, "send", str(file), "--to", MA).exit_code == 2


def test_where_several_legs_allow_it_one_is_chosen(run: Run, tmp_path: Path, exchange: PaperExchange) -> None:
    exchange.enrol("BE.PF")
    request, file = tmp_path / "request.json", tmp_path / "stop.json"
    request.write_text(json.dumps({**REQUEST, "instrument": "quadripartite"}))
    sent = document_of(run(MA, "send", str(request), "--to", FR, "--to", "BE.PF", "--json"))
    asked = run(MA, "new", "withdraw", "--dossier", sent["dossier"], typed=typed("", "2", "", "w", str(file)))
    assert "The leg on which it is answered" in asked.stderr
    assert (json.loads(file.read_text())["leg"], json.loads(file.read_text())["measures"]) == (FR, ["M1", "M2"])
