"""The register survives a crash at any point, says the same however often it is told, and keeps no plaintext."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from client.leg_chain import Link, forks_of, gaps_of, head_of
from client.register import Register
from client.register_rows import DecisionKept, Entry, EventKept
from shared.errors import Ambiguous, NotInRegister, RegisterUnusable

DOSSIER = "019aaa00-0000-7000-8000-0000000000d0"


def entry(number: int, seen: str | None = None, *, leg: str | None = "FR.BEPI", changes_state: bool = True) -> Entry:
    return Entry(
        message=f"019aaa00-0000-7000-8000-{number:012d}",
        dossier=DOSSIER,
        profile="mla-request",
        kind="accept",
        sender="FR.BEPI",
        recipients=("MA.PGR",),
        leg=leg,
        legs=(leg or "FR.BEPI",),
        in_reply_to=None,
        digest=f"digest {number}",
        seen=seen,
        changes_state=changes_state,
        header=b"{}",
        jws=b"{}",
    )


def decision(message: str, what: str = "accepted", leaf_index: int | None = None) -> DecisionKept:
    return DecisionKept(message, what, None if what == "accepted" else "dossier.stale", None, {}, "t", leaf_index)


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "home" / "register.sqlite3")


def test_what_was_kept_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    program = f"""
import os, signal
from pathlib import Path
from tests.unit.client.test_register import Register, entry
register = Register(Path({str(file)!r}))
register.keep_outgoing(entry(1), b"sealed bytes", {{"aa": "/outbox/aa"}}, "t")
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=False)
    assert ended.returncode == -signal.SIGKILL
    register = Register(file)
    assert register.undecided() == [entry(1).message]
    stored = register.submission(entry(1).message)
    assert (stored.container, stored.uploads) == (b"sealed bytes", {"aa": "/outbox/aa"})


def test_a_crash_between_message_and_cursor_reads_the_page_again(register: Register) -> None:
    event = EventKept("c1", "t", "message.received", entry(1).message, DOSSIER, {})
    assert register.keep_incoming(entry(1), "t")
    assert register.fact("feed-cursor") is None  # the crash is here
    assert not register.keep_incoming(entry(1), "later")
    assert register.keep_events([event], "c1") == [event]
    assert register.keep_events([event], "c1") == []
    assert register.fact("feed-cursor") == "c1"
    assert len(register.messages(DOSSIER)) == 1


def test_keeping_the_same_id_again_does_not_replace_the_bytes(register: Register) -> None:
    register.keep_outgoing(entry(1), b"first", {}, "t")
    register.keep_outgoing(entry(1), b"second", {}, "t")
    assert register.submission(entry(1).message).container == b"first"


def test_a_decision_settles_a_message_once(register: Register) -> None:
    message = entry(1).message
    register.keep_outgoing(entry(1), b"", {}, "t")
    register.note_receipt(message, "receipt", "t")
    register.note_decision(decision(message, "rejected"))
    register.note_decision(decision(message, "accepted", leaf_index=7))
    kept = register.decision(message)
    assert kept is not None
    assert (kept.decision, kept.leaf_index) == ("rejected", 7)
    assert register.undecided() == []


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        Register(tmp_path / "register.sqlite3").close()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "register.sqlite3").stat().st_mode) == 0o600


def test_a_file_that_is_no_register_is_refused(tmp_path: Path) -> None:
    (tmp_path / "register.sqlite3").write_bytes(b"this is no database, and it is long enough to be read as one")
    with pytest.raises(RegisterUnusable):
        Register(tmp_path / "register.sqlite3")


def test_a_register_of_a_newer_program_is_refused(register: Register, tmp_path: Path) -> None:
    register.note_fact("version", "2")
    with pytest.raises(RegisterUnusable, match="version"):
        Register(tmp_path / "home" / "register.sqlite3")


def test_a_message_is_found_by_the_beginning_or_the_end_of_its_id(register: Register) -> None:
    for number in (1, 2):
        register.keep_incoming(entry(number), "t")
    assert register.find_message("002") == entry(2).message
    with pytest.raises(Ambiguous):
        register.find_message("019aaa")
    with pytest.raises(NotInRegister):
        register.find_message("fff")
    with pytest.raises(NotInRegister):
        register.find_message("")


def test_two_processes_write_one_after_the_other(register: Register, tmp_path: Path) -> None:
    other = Register(tmp_path / "home" / "register.sqlite3")
    for number in range(20):
        (register if number % 2 else other).keep_incoming(entry(number), "t")
    assert len(register.messages(DOSSIER)) == 20


# --- the chain of a leg ----------------------------------------------------------------------------------------------


def link(number: int, seen: int | None, *, changes: bool = True, settled: bool = True) -> Link:
    return Link(f"m{number}", f"d{number}", None if seen is None else f"d{seen}", changes, settled, number)


@pytest.mark.parametrize(
    ("links", "head"),
    [
        ([], None),
        ([link(1, None)], "d1"),
        ([link(1, None), link(2, 1), link(3, 2)], "d3"),
        ([link(3, 2), link(1, None), link(2, 1)], "d3"),
        ([link(1, None), link(2, 1, changes=False)], "d1"),
        ([link(1, None), link(2, 1, changes=False), link(3, 2)], "d3"),
        ([link(1, None), link(2, 1, settled=False)], "d2"),
        ([link(1, None), link(2, 1, settled=False), link(3, 2, settled=False)], "d3"),
        ([link(1, None), link(2, 1, settled=False), link(3, 1)], "d3"),
    ],
)
def test_the_head_is_the_last_message_that_changed_the_leg(links: list[Link], head: str | None) -> None:
    found = head_of(links)
    assert (found.digest if found else None) == head


def test_a_gap_is_what_somebody_saw_and_we_did_not() -> None:
    links = [link(1, None), link(3, 2), link(4, 3)]
    assert [(gap.message, gap.missing) for gap in gaps_of("d", "FR", links)] == [("m3", "d2")]
    assert gaps_of("d", "FR", [*links, link(2, 1)]) == []


def test_a_fork_is_two_admitted_changes_upon_one_envelope() -> None:
    links = [link(1, None), link(2, 1), link(3, 1, changes=False), link(4, 1, settled=False)]
    assert forks_of("d", "FR", links) == []
    assert [fork.messages for fork in forks_of("d", "FR", [*links, link(5, 1)])] == [("m2", "m5")]


def test_a_rejected_message_is_no_link(register: Register) -> None:
    register.keep_incoming(entry(1), "t")
    register.keep_outgoing(entry(2, "digest 1"), b"", {}, "t")
    assert register.seen(DOSSIER, "FR.BEPI") == "digest 2"
    register.note_decision(decision(entry(2).message, "rejected"))
    assert register.seen(DOSSIER, "FR.BEPI") == "digest 1"
