"""What was agreed with the other side for a day: hearings and their test calls, transfers, in all dossiers at once.

Rules:
1. What stands open is what the messages of the register make it: an appointment that was reported, called off or
   replaced is gone, one that is only proposed says so. The exchange is not asked.
2. The hours are the words of the message that named them, as its reader keeps them in the casebook; of a message that
   was not opened here the day alone is known, from its header.
3. Whatever is still owed stays, also after its day: nobody said yet that it took place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from client.appointments import APPOINTMENT, moment_of
from client.casebook import Casebook
from client.leg_replay import replay_legs
from client.register import Register
from client.register_rows import Kept
from shared.domain.header import parse_header
from shared.domain.leg import Leg, Obligation
from shared.domain.reference import encode_number
from shared.texts.catalogue import mark as _

HELD: Final = "hold-appointment"
PROPOSED: Final = "answer-appointment"
TEST_CALL: Final = "test-call"
_DAYS: Final = {
    "hand-over-detainee": _("handing over of the detained person"),
    "return-detainee": _("return of the detained person"),
    "safe-conduct": _("end of the safe conduct"),
    "interpreter": _("interpreter"),
    "bring-interpreter": _("interpreter"),
}
_TITLES: Final = {HELD: _("appointment"), PROPOSED: _("proposed appointment"), TEST_CALL: _("Test call"), **_DAYS}


@dataclass(frozen=True, slots=True)
class Planned:
    """One entry. `title` is a sentence of the catalogue; `day` is the day where it takes place, `at` the moment, where
    the hours are known. `hours` are those of the content, empty where they are not known; `message` named the day."""

    dossier: str
    number: str
    leg: str
    other: str
    measures: tuple[str, ...]
    act: str
    day: date
    at: datetime | None
    hours: Mapping[str, Any]
    message: str
    debtor: str

    @property
    def title(self) -> str:
        return _TITLES[self.act]

    def is_over(self, now: datetime) -> bool:
        return self.at < now if self.at is not None else self.day < now.astimezone(UTC).date()


def planned(register: Register, casebook: Casebook, authority: str) -> list[Planned]:
    """All of them, the earliest first."""
    found: list[Planned] = []
    for dossier, opened_by in register.dossiers().items():
        messages = register.messages(dossier)
        legs = [leg for leg in _legs(dossier, messages) if leg.side_of(authority) is not None]
        if any(one.act in _TITLES for leg in legs for one in leg.obligations):
            said = casebook.words(dossier)
            number = encode_number(dossier, opened_by[:2])
            found += [one for leg in legs for one in _on(leg, number, authority, messages, said)]
    return sorted(found, key=lambda one: (one.day, one.at is None, one.at or datetime.min.replace(tzinfo=UTC)))


def _legs(dossier: str, messages: list[Kept]) -> list[Leg]:
    opening = next((one for one in messages if one.leg is None), None)
    return [] if opening is None else replay_legs(dossier, opening.recipients, messages)


def _on(
    leg: Leg, number: str, authority: str, messages: Iterable[Kept], said: Mapping[str, Mapping[str, str]]
) -> Iterator[Planned]:
    headers = {one.message: parse_header(one.header) for one in messages}
    other = leg.requested if authority == leg.requesting else leg.requesting

    def entry(one: Obligation, act: str, day: date, hours: Mapping[str, Any]) -> Planned:
        at, place = moment_of(hours), (leg.dossier, number, leg.requested, other)
        return Planned(*place, one.measures, act, day, at, hours, one.opened_by, one.debtor)

    calls = set()
    for one in leg.obligations:
        header = headers.get(one.opened_by)
        if header is None or one.act not in (HELD, PROPOSED):
            continue
        named = (one.opened_by, header.in_reply_to) if one.act == HELD else (one.opened_by,)
        hours = next((node for name in named if name and (node := _hours(said.get(name, {})))), {})
        yield entry(one, one.act, date.fromisoformat(header.act["on"]), hours)
        call = hours.get("test_call")
        if call:
            calls.add(one.opened_by)
            yield entry(one, TEST_CALL, date.fromisoformat(call["begins"][:10]), {**hours, **call, "what": ""})
    for one in leg.obligations:
        wanted = one.act in _DAYS or (one.act == TEST_CALL and one.opened_by not in calls)
        if wanted and one.due is not None:
            yield entry(one, one.act, one.due.astimezone(UTC).date(), {})


def _hours(words: Mapping[str, str]) -> dict[str, Any]:
    """The appointment of a content, from its words by their paths; empty where it is none that can be shown."""
    node: dict[str, Any] = {}
    for path, text in words.items():
        first, *rest = path.split(".")
        if first == APPOINTMENT and len(rest) == 1:
            node[rest[0]] = text
        elif first == APPOINTMENT and rest[:1] == [TEST_CALL.replace("-", "_")] and len(rest) == 2:
            node.setdefault("test_call", {})[rest[1]] = text
    if moment_of(node) is None:
        return {}
    if "test_call" in node and moment_of({**node, **node["test_call"]}) is None:
        del node["test_call"]
    return node
