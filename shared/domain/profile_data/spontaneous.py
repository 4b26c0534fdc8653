"""The profile `spontaneous`: information given unasked, under conditions of use.

Sources: UNTOC 18(4) and (5), UNCAC 46(4) and (5); Convention on Cybercrime (Budapest), article 26 (k). The requesting
side is the one that gives: it says first what it has and under which conditions, and gives the contents once these are
accepted. A dossier without a demand: the receiving side may decline.
"""

from __future__ import annotations

from shared.domain.catalogue import MLA_HANDLING
from shared.domain.profile_data.fragments import (
    APPROVALS,
    CLOSE_DAYS,
    CONFIRM_DAYS,
    FINAL,
    NEW,
    OWED_ALIKE,
    REQUESTED,
    REQUESTING,
    WITHDRAWN,
    acknowledging,
    beginning,
    discharging,
    free_kinds,
    open_states,
    transport_kinds,
    withdrawal,
)
from shared.domain.profile_data.questions import asking
from shared.domain.profile_data.use import USE_OWED, use_kinds
from shared.domain.profile_format import (
    CLOSED,
    STAY,
    ActField,
    BodyField,
    Duty,
    FieldType,
    Kind,
    Opens,
    Side,
    State,
    build_profile,
)

ANSWER_DAYS = 30
PROVIDE_DAYS = 10

_STATES = (
    *beginning(("answer-conditions",), f"{ANSWER_DAYS} d (policy) or the date in the offer"),
    State("acknowledged", Side.requested, f"{ANSWER_DAYS} d (policy) or the date in the offer", ("answer-conditions",)),
    State("information-requested", Side.requesting, "the date in the question", ("supply-information",)),
    State("conditions-accepted", Side.requesting, f"{PROVIDE_DAYS} d (policy)", ("provide",)),
    WITHDRAWN,
    State(
        "provided",
        Side.requested,
        f"confirm {CONFIRM_DAYS} d (policy), close {CLOSE_DAYS} d (policy), then by silence",
        ("confirm-receipt", "close"),
        silence="close",
    ),
    State("declined", Side.requesting, f"{CLOSE_DAYS} d (policy), then by silence", ("close",), silence="close"),
    FINAL,
)
_OPEN = open_states(_STATES)
_OWED = {
    **OWED_ALIKE,
    "answer-conditions": "answer to conditions",
    "supply-information": "information",
    "provide": "contents",
    "confirm-receipt": "confirmation",
}
_ENDS = frozenset(_OWED)
_IN_HAND = (*NEW, "acknowledged")

DUTIES = {
    "report-use": Duty(Side.requested, "report on the use made of it", "practice (k)"),
    "delete": Duty(Side.requested, "deletion", "conditions of use, UNTOC 18(5) (k)"),
}

_ANSWER = Opens(Side.requested, "answer-conditions", ANSWER_DAYS, dated_by="due")
_ANSWER_ANEW = Opens(Side.requested, "answer-conditions", ANSWER_DAYS)
_BODY = (
    BodyField("providing_authority", "Authority giving the information", "UNTOC 18(4), UNCAC 46(4)"),
    BodyField("subject", "What it is about, without the contents", "UNTOC 18(4); Budapest 26 (k)"),
    BodyField("conditions", "Conditions of use, or that there are none", "UNTOC 18(5); Budapest 26(2) (k)"),
)

_KINDS = (
    Kind(
        "offer",
        "Offer of information",
        REQUESTING,
        {},
        opens_dossier=True,
        act={
            "due": ActField(FieldType.date, False, "by when the answer is asked for"),
            "approvals": APPROVALS,
        },
        body=_BODY,
        opens=(_ANSWER,),
    ),
    *transport_kinds(_BODY, (_ANSWER_ANEW,)),
    acknowledging({}, ()),
    *asking(_IN_HAND, frozenset({"answer-conditions"}), "practice (k)"),
    Kind(
        "accept-conditions",
        "Acceptance of the conditions",
        REQUESTED,
        dict.fromkeys(_IN_HAND, "conditions-accepted"),
        act={"approvals": APPROVALS},
        needs_in_reply_to=True,
        opens=(Opens(Side.requesting, "provide", PROVIDE_DAYS),),
        closes=frozenset({"answer-conditions"}),
    ),
    Kind(
        "decline-conditions",
        "The information is not taken under these conditions",
        REQUESTED,
        dict.fromkeys(_IN_HAND, "declined"),
        needs_in_reply_to=True,
        opens=(Opens(Side.requesting, "close", CLOSE_DAYS),),
        closes=_ENDS,
        outcome="declined",
    ),
    Kind(
        "provide",
        "The information",
        REQUESTING,
        {"conditions-accepted": "provided"},
        act={
            "duties": ActField(
                FieldType.duties, False, "what the receiving side shall do, and by when", frozenset(DUTIES)
            ),
            "approvals": APPROVALS,
        },
        body=(BodyField("information", "The information", "UNTOC 18(4), UNCAC 46(4)"),),
        opens=(
            Opens(Side.requested, "confirm-receipt", CONFIRM_DAYS),
            Opens(Side.requested, "close", CLOSE_DAYS),
        ),
        closes=_ENDS,
        outcome="provided",
    ),
    Kind(
        "confirm-receipt",
        "Confirmation that the information was received",
        REQUESTED,
        {"provided": STAY},
        needs_in_reply_to=True,
        closes=frozenset({"confirm-receipt"}),
    ),
    Kind(
        "notify-disclosure",
        "Notice of a disclosure that the law requires",
        REQUESTED,
        {"provided": STAY},
        act={"before": ActField(FieldType.date, True, "the day before which it can be discussed")},
        body=(BodyField("disclosure", "What will be disclosed, to whom and why", "UNTOC 18(5), UNCAC 46(5)"),),
    ),
    Kind(
        "close",
        "Closure",
        REQUESTING | REQUESTED,
        {"provided": CLOSED, "declined": CLOSED},
        closes=_ENDS,
    ),
    *withdrawal(_OPEN, _OWED),
    discharging(_OPEN, DUTIES),
    *use_kinds(_OPEN),
    *free_kinds(_OPEN),
)

SPONTANEOUS = build_profile(
    "spontaneous",
    "Information given unasked",
    _STATES,
    _KINDS,
    _OWED,
    several_recipients=True,
    handling=frozenset(MLA_HANDLING),
    duties=DUTIES,
    lasting=USE_OWED,
)
