"""Writes docs/spec/api-rights.md from the table of rights.

Run it as `python -m docs.make_rights`.
`rights_page` is pure; a test compares its answer with the committed page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.rights import RIGHTS, Kind, Relation, Role, Shown
from shared.errors import DossierUnknown

PAGE: Final = Path(__file__).parent / "spec" / "api-rights.md"

_HEAD: Final = """# Who may call what, and what they are shown

Made from `gateway/rights.py` by `python -m docs.make_rights`; do not edit by hand. The exchange judges every call by
that table, and does not start if it serves an address that the table does not have. `make authz` plays every address,
role and relation of this page against a real exchange and counts. Who may do what on the database and on the broker is
said in [rights](../guide/rights.md).

## Who may call

Every call is signed (see [signed calls](api-signatures.md)), but where the last column says yes. A caller has one role:
that of its enrolment, or operator by one of the keys in the trust file. An auditor is enrolled with the mandate of one
country or with the full one. No witness can be enrolled yet; what one may read stands here already.
"""

_REFUSED: Final = """Refused, in this order, and before anything is looked up:
"""
_REFUSALS: Final = (
    ("nobody signed the call", "401 `call.unsigned`"),
    (
        "the key is unknown, replaced or expired, or its party is **suspended**, whatever part it has in anything",
        "401 `call.key-unknown`",
    ),
    ("the caller's role has no `yes` above", "403 `call.not-permitted`"),
)

_RELATIONS: Final = """
A suspension counts within ten seconds. What was answered before cannot be taken back; what was sent before stays in
force.

## What an authority is shown of messages and dossiers

No other role may ask for any of these. Of several parts that an authority has in a message or a dossier, the one
furthest to the left counts.
"""

_NOTHING: Final = """
**refused** is 401 `call.key-unknown`, before anything is looked up. **nothing** is, of a single message or dossier, 404
`call.not-there`: the answer for what does not exist, byte for byte, by the same questions to the database. In a list it
is left out. Nor does the time of an answer tell: `make authz` makes a thousand calls about what is another's and a
thousand about what is nobody's, in random order, and no threshold on the time of one call guesses better than chance
explains.

A holder that a leg was handed to reads the messages on it and the one that opened it, without a wrap of its own, for
as long as it holds the leg: relation **own leg**. One that is only named has its leg through the requested party.

## What an authority may do to a dossier

A submission is let in if the caller is its sender (else 403 `call.sender-mismatch`), and is judged by intake, whose
decision is a leaf of the ledger. Any authority may open a dossier. On a leg that exists:
"""
_AS_NONE: Final = f"rejected: `{DossierUnknown.code}`, as on a leg that does not exist, after the same thirty seconds"
_MOVES: Final = (
    ("opened the dossier", "moves the leg as the profile allows the requesting side: [states](../guide/states.md)"),
    ("is the requested party of the leg", "moves it as the profile allows the requested side"),
    (Relation.other_leg, _AS_NONE),
    (Relation.unrelated, _AS_NONE),
    (Relation.suspended, "refused before it is handed in"),
)

_MAY_BE_LEARNED: Final = """
## What may still be learned

By who knows an id already. Two answers must differ, because the caller is entitled to them, and an outsider can make
them say something; the third is what the machine does:
"""
_LEARNED: Final = (
    (
        "it submits a message of its own under the id of another's, which it knows",
        "that the id is spent: `message.id-reused`",
        "a signed envelope and its rejection, under its own name, in the ledger for ever",
    ),
    (
        "it opens a dossier under the number of another's, which it knows",
        "that the number is taken: `dossier.exists`",
        "the same; where the number was free, a request of its own that its recipients now have",
    ),
    (
        "it asks for what it knows the id of, when nobody has for long, and times the answer",
        "perhaps that a database had to fetch a row from its disk, which it need not for an id that is nobody's",
        "a line in the gateway's log, which names the caller and not the id",
    ),
)

_KEPT: Final = """
The two are kept, on purpose. Ids are global: a message is fetched by its id, a dossier is told over the telephone by
its number, so the second under one must be refused, and a refusal under any other name would say as much. An id has 74
random bits, so that nobody finds one by trying, in any of the three ways. Who knows one was told it by a party to it,
and learns that it is in use, not whose it is or what for. Each submission is an act of a named authority, signed with
both of its keys, that every auditor with the full mandate can list.

An authority rotates its own keys only: another party's rotation is 403 `call.not-permitted`, whether there is such a
party or not. Who is enrolled is no secret among those who are.
"""


def rights_page() -> str:
    """The whole page, in Markdown."""
    refusals = _table(["who calls", "answer"], _REFUSALS)
    moves = _table(["who sends a message on it", "what comes of it"], _MOVES)
    learned = _table(["what an authority does", "learns", "and leaves behind"], _LEARNED)
    callers = [_HEAD, *_callers(), "", _REFUSED, *refusals]
    parts = [_RELATIONS, *_shown(), _NOTHING, *moves]
    return "\n".join([*callers, *parts, _MAY_BE_LEARNED, *learned, _KEPT])


def _callers() -> Iterator[str]:
    yield from _table(
        ["address", "to", *(role.value for role in Role)],
        (
            [f"`{method} {_plain(path)}`", right.what, *("yes" if role in right.roles else "" for role in Role)]
            for (method, path), right in RIGHTS.items()
        ),
    )


def _shown() -> Iterator[str]:
    yield from _table(
        ["address", *(relation.value for relation in Relation)],
        (
            [f"`{method} {_plain(path)}`", *(_said(right.kind, right.shown[relation]) for relation in Relation)]
            for (method, path), right in RIGHTS.items()
            if right.shown
        ),
    )


def _said(kind: Kind, shown: Shown) -> str:
    if shown in (Shown.nothing, Shown.refused):
        return f"**{shown.value}**"
    return f"{shown.value}, listed" if kind is Kind.listed else shown.value


def _plain(path: str) -> str:
    return path.replace(":path}", "}")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    PAGE.write_text(rights_page(), encoding="utf-8")
