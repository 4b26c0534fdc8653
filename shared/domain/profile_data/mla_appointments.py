"""`mla-request`: appointments, such as a hearing by video: proposed, answered, held or called off.

The header has the day, where it is held; hour, zones, place and persons are sealed. Paragraphs: UNTOC 18(18), UNCAC
46(18); EIO 24 (k).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.domain.catalogue import HELD, INTERPRETERS
from shared.domain.profile_data.fragments import BOTH, REQUESTED
from shared.domain.profile_data.mla_execution import WORKING
from shared.domain.profile_format import STAY, ActField, BodyField, Duty, FieldType, Kind, Opens, Side

ANSWER_DAYS = 7
APPOINTMENT_OWED: Mapping[str, str] = {
    "answer-appointment": "answer to an appointment",
    "hold-appointment": "appointment",
}
APPOINTMENT_DUTIES: Mapping[str, Duty] = {
    "interpreter": Duty(Side.requested, "interpreter", "EIO 24(5) (k)", goes_with="hold-appointment"),
    "bring-interpreter": Duty(Side.requesting, "interpreter", "practice (k)", goes_with="hold-appointment"),
    "test-call": Duty(Side.requested, "test call", "practice (k)", goes_with="hold-appointment"),
}
_RULE = "UNTOC 18(18), UNCAC 46(18)"
_ON = ActField(FieldType.date, True, "the day, where it is held", not_before=("due", "test-call"))


def appointment_kinds(open_: Iterable[str]) -> tuple[Kind, ...]:
    """`open_` are the open states: what was agreed upon can be reported or called off in any of them."""
    anywhere = dict.fromkeys(open_, STAY)
    agreed = frozenset({"hold-appointment", *APPOINTMENT_DUTIES})
    return (
        Kind(
            "propose-appointment",
            "Proposal of an appointment",
            BOTH,
            dict.fromkeys(WORKING, STAY),
            act={
                "on": _ON,
                "due": ActField(FieldType.date, False, "by when the answer is asked for"),
                "interpreter": ActField(FieldType.code, False, "who provides an interpreter", frozenset(INTERPRETERS)),
                "test-call": ActField(FieldType.date, False, "the day on which the connection is tried"),
            },
            body=(BodyField("appointment", "The appointment", _RULE),),
            opens=(Opens(None, "answer-appointment", ANSWER_DAYS, dated_by="due"),),
            closes=frozenset({"answer-appointment"}),  # a counter-proposal takes the place of what it answers
        ),
        Kind(
            "confirm-appointment",
            "Confirmation of an appointment",
            BOTH,
            dict.fromkeys(WORKING, STAY),
            act={
                "on": _ON,
                "duties": ActField(
                    FieldType.duties, False, "what each side does for it, and by when", frozenset(APPOINTMENT_DUTIES)
                ),
            },
            needs_in_reply_to=True,
            opens=(Opens(Side.requested, "hold-appointment", dated_by="on"),),
            closes=agreed,  # one that was agreed upon before is replaced
            settles=frozenset({"answer-appointment"}),
        ),
        Kind(
            "cancel-appointment",
            "An appointment is declined or called off",
            BOTH,
            anywhere,
            body=(BodyField("reasons", "Why, and what is proposed instead", "practice (k)"),),
            needs_owed=frozenset({"answer-appointment", "hold-appointment"}),
            closes=agreed | {"answer-appointment"},
        ),
        Kind(
            "report-appointment",
            "Report on an appointment",
            REQUESTED,
            anywhere,
            act={"held": ActField(FieldType.code, True, "whether it took place", frozenset(HELD))},
            body=(BodyField("record", "What happened: who was there, how identity was ascertained", _RULE),),
            needs_owed=frozenset({"hold-appointment"}),
            closes=agreed,
        ),
    )
