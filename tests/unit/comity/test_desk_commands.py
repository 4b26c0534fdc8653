"""Officers draft, approve and send; one alone sends in an emergency only; a machine acknowledges nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from client.key_file import SCRYPT_N_READ
from comity import desk
from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.office import ALAMI, BENNIS, CHAKIR, FR, MA, act, code_of, drafted, received


def test_four_eyes_send_a_request_and_the_other_side_reads_whose_they_were(office: Run, request_file: Path) -> None:
    draft = drafted(office, request_file)
    assert code_of(act(office, "send", draft, CHAKIR, "--json")) == "desk.approval-missing"
    assert act(office, "approve", draft, BENNIS).exit_code == 0
    sent = act(office, "send", draft, CHAKIR)
    assert sent.exit_code == 0, sent.output
    [message] = received(office)
    opened = document_of(office(FR, "open", message["message"], "--json"))
    assert opened["act"]["approvals"] == 1
    assert [one["name"] for one in opened["content"]["approvals"]["officers"]] == [
        f"Officer {name}" for name in (ALAMI, BENNIS, CHAKIR)
    ]
    assert document_of(office(MA, "desk", "drafts", "--json"))["drafts"] == []


def test_four_eyes_send_an_answer_that_was_written_step_by_step(
    office: Run, request_file: Path, tmp_path: Path
) -> None:
    draft, file = drafted(office, request_file), tmp_path / "stop.json"
    act(office, "approve", draft, BENNIS)
    act(office, "send", draft, CHAKIR)
    [message] = received(office)
    office(MA, "new", "withdraw", "--dossier", message["dossier"], typed=f"w\n{file}\n")
    assert code_of(office(MA, "send", str(file), "--json")) == "desk.approval-missing"
    answer = str(document_of(office(MA, "send", str(file), "--draft-by", ALAMI, "--json"))["draft"])
    act(office, "approve", answer, BENNIS)
    sent = act(office, "send", answer, CHAKIR)
    assert sent.exit_code == 0, sent.output
    assert [one["kind"] for one in received(office)][-1] == "withdraw"


def test_where_there_is_a_desk_nothing_leaves_without_its_officers(office: Run, request_file: Path) -> None:
    result = office(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--json")
    assert code_of(result) == "desk.approval-missing"
    assert received(office) == []


@pytest.mark.parametrize("who", [ALAMI, CHAKIR])
def test_nobody_approves_who_drafted_it_or_is_no_approver(office: Run, request_file: Path, who: str) -> None:
    draft = drafted(office, request_file)
    assert code_of(act(office, "approve", draft, who, "--json")) == "desk.officer-refused"


def test_a_word_changed_after_the_signature_is_found(office: Run, request_file: Path, tmp_path: Path) -> None:
    draft = drafted(office, request_file)
    act(office, "approve", draft, BENNIS)
    [file] = (tmp_path / MA / "desk" / "drafts").glob("*.json")
    file.write_text(file.read_text().replace("Money moved.", "Nothing moved."))
    assert code_of(act(office, "send", draft, CHAKIR, "--json")) == "desk.draft-unusable"
    assert received(office) == []


def test_a_deputy_approves_on_the_days_named_and_both_names_stand(office: Run, request_file: Path) -> None:
    office(MA, "desk", "deputy", CHAKIR, "--for", BENNIS, "--from", "2026-11-22", "--until", "2026-11-23")
    draft = drafted(office, request_file)
    assert "chakir (approver for bennis)" in act(office, "approve", draft, CHAKIR).stdout


def test_a_deputy_of_yesterday_is_refused(office: Run, request_file: Path) -> None:
    office(MA, "desk", "deputy", CHAKIR, "--for", BENNIS, "--from", "2026-11-20", "--until", "2026-11-21")
    assert code_of(act(office, "approve", drafted(office, request_file), CHAKIR, "--json")) == "desk.officer-refused"


def test_who_left_signs_nothing_more(office: Run, request_file: Path) -> None:
    draft = drafted(office, request_file)
    office(MA, "desk", "end", BENNIS)
    assert code_of(act(office, "approve", draft, BENNIS, "--json")) == "desk.officer-refused"


@pytest.fixture
def emergency_file(tmp_path: Path) -> Path:
    file = tmp_path / "emergency.json"
    content = {**CONTENT, "emergency_justification": "A life is at risk."}
    measures = {"M1": {"type": "bank-data", "target": "an account"}}
    file.write_text(json.dumps({"v": 1, "urgency": "emergency", "measures": measures, "content": content}))
    return file


def test_in_an_emergency_one_sends_alone_and_another_ratifies_it(
    office: Run, emergency_file: Path, exchange: PaperExchange
) -> None:
    draft = drafted(office, emergency_file)
    assert code_of(act(office, "send", draft, BENNIS, "--json")) == "desk.approval-missing"
    assert act(office, "send", draft, CHAKIR, "--emergency").exit_code == 0
    [message] = received(office)
    assert document_of(office(FR, "open", message["message"], "--json"))["act"]["approvals"] == 0
    assert "to be ratified by 25 Nov 2026" in office(MA, "desk", "drafts").stdout
    exchange.pass_time(4 * 86400)
    assert "OVERDUE" in office(MA, "desk", "drafts").stdout
    assert code_of(office(MA, "desk", "discard", draft, "--json")) == "desk.draft-unusable"
    assert code_of(act(office, "ratify", draft, CHAKIR, "--json")) == "desk.officer-refused"
    assert act(office, "ratify", draft, BENNIS).exit_code == 0
    assert office(MA, "desk", "drafts").stdout.strip() == "Nothing waits."


def test_what_is_no_emergency_is_not_sent_alone(office: Run, request_file: Path) -> None:
    draft = drafted(office, request_file)
    assert code_of(act(office, "send", draft, CHAKIR, "--emergency", "--json")) == "desk.approval-missing"
    assert received(office) == []


def test_the_authoritys_keys_alone_acknowledge_nothing(office: Run, run: Run, tmp_path: Path) -> None:
    request = tmp_path / "foreign.json"
    request.write_text(json.dumps({"v": 1, "measures": {"M1": {"type": "bank-data"}}, "content": CONTENT}))
    run(FR, "send", str(request), "--to", MA, "--instrument", "ma-fr-2008")
    [message] = document_of(office(MA, "inbox", "--json"))["unopened"]
    office(MA, "open", message["message"])
    number = message["number"]
    assert "acknowledgement · waiting on MA.PGR" in office(MA, "status", number).stdout, "it was fetched and opened"
    assert code_of(office(MA, "reply", number, "acknowledge", "--json")) == "desk.approval-missing"
    result = office(MA, "reply", number, "acknowledge", "--draft-by", ALAMI, "--json")
    assert act(office, "send", document_of(result)["draft"], CHAKIR).exit_code == 0
    assert "decision · waiting on MA.PGR" in office(MA, "status", number).stdout


def test_what_came_in_since_it_was_approved_is_read_first(office: Run, tmp_path: Path) -> None:
    request = tmp_path / "foreign.json"
    request.write_text(json.dumps({"v": 1, "measures": {"M1": {"type": "bank-data"}}, "content": CONTENT}))
    office(FR, "send", str(request), "--to", MA, "--instrument", "ma-fr-2008")
    [message] = document_of(office(MA, "inbox", "--json"))["unopened"]
    result = office(MA, "reply", message["number"], "accept", "--draft-by", ALAMI, "--json")
    draft = document_of(result)["draft"]
    act(office, "approve", draft, BENNIS)
    office(FR, "reply", message["number"], "withdraw")
    office(MA, "inbox")
    assert code_of(act(office, "send", draft, CHAKIR, "--json")) == "desk.draft-outdated"


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_bytes(file.read_bytes() + b" ")])
def test_a_desk_that_is_gone_or_changed_stops_all_sending(
    office: Run, request_file: Path, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    harm(tmp_path / MA / "desk" / "desk.json")
    result = office(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--json")
    assert code_of(result) == "desk.unusable"


def test_a_full_disk_leaves_the_desk_of_before_in_force(
    office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("client.desk.office.put_in_place", full)
        assert "No space left" in office(MA, "desk", "eyes", "request", "3").stderr
    assert "request: 3" not in office(MA, "desk", "show").stdout
    assert "request: 3" in office(MA, "desk", "eyes", "request", "3").stdout


def test_a_kind_may_need_more_eyes_or_fewer(office: Run, request_file: Path) -> None:
    office(MA, "desk", "eyes", "request", "1")
    assert act(office, "send", drafted(office, request_file), CHAKIR).exit_code == 0
    assert "no profile has a kind riquest" in office(MA, "desk", "eyes", "riquest", "1").stderr


def test_a_rejected_message_is_a_draft_again(office: Run, request_file: Path, exchange: PaperExchange) -> None:
    draft = drafted(office, request_file)
    act(office, "approve", draft, BENNIS)
    exchange.record_event("suspend", FR)
    exchange.events.pop()
    assert act(office, "send", draft, CHAKIR).exit_code == 1
    [waiting] = document_of(office(MA, "desk", "drafts", "--json"))["drafts"]
    assert waiting["signed"] == ["alami (drafter)", "bennis (approver)"]


def test_an_officers_key_is_a_file_of_his_own_and_the_authoritys_is_none(
    run: Run, request_file: Path, tmp_path: Path, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "now", lambda: exchange.now)
    monkeypatch.setenv("COMITY_KEY_COST", str(min(SCRYPT_N_READ)))
    key = tmp_path / "alami.json"
    named = ("--name", "Karima Alami", "--functions", "Prosecutor", "--role", "drafter")
    result = run(MA, "desk", "officer", ALAMI, *named, "--officer-key", str(key))
    assert "alami · Karima Alami, Prosecutor · drafter" in result.stdout
    assert key.stat().st_mode & 0o077 == 0
    drafted(run, request_file, by=str(key))
    own = str(tmp_path / MA / "keys.json")
    sent = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--draft-by", own, "--json")
    assert code_of(run(MA, *sent)) == "desk.officer-refused"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("officer", "Alami", "--name", "A", "--functions", "B", "--role", "drafter"), "no id of an officer"),
        (("officer", "dora", "--name", "A", "--functions", "B", "--role", "drafer"), "'drafer' is no role"),
        (("officer", "dora", "--name", "A", "--functions", "B", "--role", "sender", "--as", ALAMI), "stands twice"),
        (("deputy", CHAKIR, "--for", BENNIS, "--from", "2026-12-15", "--until", "2026-12-01"), "backwards in time"),
        (("deputy", "nobody", "--for", BENNIS, "--from", "2026-12-01", "--until", "2026-12-15"), "is no officer"),
        (("eyes", "refuse", "9"), "is more than 5"),
        (("eyes", "refus", "1"), "no profile has a kind refus"),
    ],
)
def test_a_change_that_the_desk_does_not_take_is_wrong_use_and_says_why(
    office: Run, arguments: tuple[str, ...], says: str
) -> None:
    before = office(MA, "desk", "show", "--json").stdout
    *words, key = (*arguments, "new") if "--as" not in arguments else (*arguments[:-2], arguments[-1])
    more = ("--officer-key", key) if words[0] == "officer" else ()
    result = office(MA, "desk", *(words if more else arguments), *more)
    assert result.exit_code == 2, result.output
    told = " ".join(result.stderr.replace("│", " ").split())
    assert says in told
    assert "error, " not in told.replace("Error", "")
    assert office(MA, "desk", "show", "--json").stdout == before


def test_a_draft_that_nobody_can_use_hides_no_other(office: Run, request_file: Path, tmp_path: Path) -> None:
    whole, changed, torn = (drafted(office, request_file) for _ in range(3))
    folder = tmp_path / MA / "desk" / "drafts"
    text = (folder / f"{changed}.json").read_text()
    (folder / f"{changed}.json").write_text(text.replace("Money moved.", "Nothing moved."))
    (folder / f"{torn}.json").write_text(text[:99])
    result = office(MA, "desk", "drafts")
    assert (result.exit_code, f"{whole}  request to {FR}" in result.stdout) == (1, True)
    told = document_of(office(MA, "desk", "drafts", "--json"))
    assert [one["draft"] for one in told["drafts"]] == [whole]
    assert {one["draft"] for one in told["unusable"]} == {changed, torn}


def test_who_signs_twice_is_told_so_and_not_to_throw_the_draft_away(office: Run, request_file: Path) -> None:
    draft = drafted(office, request_file)
    assert act(office, "approve", draft, BENNIS).exit_code == 0
    assert code_of(act(office, "approve", draft, BENNIS, "--json")) == "desk.officer-refused"
