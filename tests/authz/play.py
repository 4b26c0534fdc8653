"""Each attempt is made and judged: whether it was let in as the table says, what it was shown, what a refusal told.

1. let in, or refused with the status and the code that follow from the table
2. shown all, or its own part and no other's, or nothing: of one thing, and in lists
3. a refusal is the same for what is there and for what is not: status, headers, body, and questions to the database
4. nothing leaves the gateway because of a call that was refused
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from gateway.rights import Kind, Shown
from tests.authz.attempts import REQUEST, Attempt, attempts
from tests.authz.estate import BRUSSELS, PARIS, ROME, Answer, Estate

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REQUESTED = (BRUSSELS, PARIS, ROME)
_DOSSIERS = ("/v1/dossiers", "/v1/dossiers/{dossier}")
_TELLS_ALL = (*_DOSSIERS, "/v1/messages/{message}/evidences")
_REFUSALS = (401, 403, 404)


@dataclass
class Score:
    attempted: int = 0
    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def note(self, attempt: Attempt, outcome: str, why: str | None) -> None:
        self.attempted += 1
        self.outcomes[outcome] += 1
        if why is not None:
            self.wrong.append(f"{attempt.title}: {why}")

    @property
    def passed(self) -> int:
        return self.attempted - len(self.wrong)


async def play_all(estate: Estate) -> Score:
    """Every attempt, and its twin about what does not exist."""
    score = Score()
    for attempt in attempts(estate):
        answer, kept = await _make(estate, attempt, attempt.path)
        why = judge(attempt, answer)
        if why is None and attempt.refusal is not None and kept:
            why = f"{kept} messages left the gateway"
        score.note(attempt, str(answer.status), why)
        if attempt.twin is not None:
            absent, kept = await _make(estate, attempt, attempt.twin)
            score.note(attempt, "of nothing", judge_twin(attempt, answer, absent))
    return score


async def _make(estate: Estate, attempt: Attempt, path: str) -> tuple[Answer, int]:
    before = len(estate.kept)
    body = b"" if attempt.content_type is None else b"{}"
    answer = await estate.call(attempt.caller, attempt.method, path, body, attempt.content_type)
    return answer, len(estate.kept) - before


def judge(attempt: Attempt, answer: Answer) -> str | None:
    """(1), (2): what is wrong with the answer; None if it is as the table says."""
    if attempt.refusal is not None:
        return None if told(answer) == attempt.refusal else f"{told(answer)} instead of {attempt.refusal}"
    if attempt.right.kind is Kind.act:
        # the call is let in; what its empty document comes to is for other tests
        return f"refused: {told(answer)}" if answer.status in _REFUSALS or answer.status >= 500 else None
    if answer.status != 200:
        return f"{told(answer)} instead of an answer"
    return _judge_shown(attempt, answer.body.decode("utf-8", "replace"))


def judge_twin(attempt: Attempt, answer: Answer, absent: Answer) -> str | None:
    """(3): what the caller could tell apart. Who is let in is told that there is nothing."""
    if attempt.refusal is None:
        silent = attempt.right.kind is Kind.act  # an order about what is gone has no effect
        expected = (404, "call.not-there")
        return None if silent or told(absent) == expected else f"{told(absent)} of nothing, instead of {expected}"
    if (answer.status, answer.headers, answer.body) != (absent.status, absent.headers, absent.body):
        return f"told apart from nothing: {answer} and {absent}"
    if questions(answer) != questions(absent):
        return f"told apart by the questions to the database: {questions(answer)} and {questions(absent)}"
    return None


def told(answer: Answer) -> tuple[int, str]:
    return answer.status, str(json.loads(answer.body)["code"]) if answer.status >= 400 else ""


def questions(answer: Answer) -> list[str]:
    """What the database was asked, whatever was asked about."""
    return [_ID.sub("…", statement) for statement in answer.statements]


def _judge_shown(attempt: Attempt, text: str) -> str | None:
    """(2). Ciphertexts name nobody: that they are there is all."""
    if not attempt.right.shown or attempt.address.endswith("/parts/{name}"):
        return None if text else "it is empty"
    about = _about(attempt, text)
    if attempt.shown is Shown.nothing:
        return "it is listed" if about else None
    if not about:
        return "it is not in the answer"
    concerned = set(attempt.header["recipients"])
    named = {one for one in _REQUESTED if _names(about, one)}
    if attempt.shown is Shown.own_part:
        others = named - {attempt.caller.name, attempt.header["sender"]}
        return f"it shows what concerns {sorted(others)}" if others else None
    if attempt.address in _TELLS_ALL and attempt.about == REQUEST and not concerned <= named:
        return f"it does not show what concerns {sorted(concerned - named)}"
    return None


def _about(attempt: Attempt, text: str) -> str:
    """What the answer says of the thing, of that one alone if it is a list; empty if it says nothing of it."""
    word = "dossier" if attempt.address in _DOSSIERS else "message"
    wanted = attempt.header["dossier" if word == "dossier" else "id"]
    document = json.loads(text)
    items = document["items"] if attempt.right.kind is Kind.listed else [document]
    found = [item for item in items if item[word] == wanted]
    return json.dumps(found) if found else ""


def _names(text: str, authority: str) -> bool:
    return re.search(rf"\b{re.escape(authority)}\b", text) is not None
