"""The profile `police-request`: a request for information between police contact points.

The model is Directive (EU) 2023/977 (all (k)); its limits stand in `clocks.py` and bind where an instrument says so,
else the same times are targets. No coercive measure is asked for here: that is a request for assistance.
"""

from __future__ import annotations

from shared.domain.catalogue import OUTCOMES, POLICE_HANDLING
from shared.domain.clocks import POLICE_DAYS, POLICE_SOONER
from shared.domain.profile_data.fragments import (
    APPROVALS,
    CLOSE_RULE,
    FINAL,
    HOLDER,
    NEW,
    OWED_ALIKE,
    QUERY_DAYS,
    REQUESTED,
    REQUESTING,
    WITHDRAWN,
    acknowledging,
    beginning,
    ended,
    forwarding,
    free_kinds,
    open_states,
    refusing,
    returning,
    transport_kinds,
    withdrawal,
)
from shared.domain.profile_data.questions import asking
from shared.domain.profile_data.use import RESTRICTIONS, USE_OWED, use_kinds
from shared.domain.profile_format import (
    CLOSED,
    LATE,
    STAY,
    ActField,
    BodyField,
    Condition,
    FieldType,
    Kind,
    Opens,
    Side,
    State,
    build_profile,
)

_BY = "8 h, 72 h or 7 d by urgency and access (policy), or the law's limit"
_ARTICLE = "Directive (EU) 2023/977 art. {} (k)"

_STATES = (
    *beginning(("answer",), _BY),
    State("acknowledged", Side.requested, _BY, ("answer",)),
    State("information-requested", Side.requesting, "the date in the question", ("supply-information",)),
    WITHDRAWN,
    State(
        "result-delivered",
        Side.requesting,
        f"query or close {QUERY_DAYS} d (policy), then by silence",
        ("query-or-close",),
        silence="query-or-close",
    ),
    *ended("returned", "nothing-found", "refused"),
    FINAL,
)
_OPEN = open_states(_STATES)
_OWED = {
    **OWED_ALIKE,
    "answer": "answer",
    "supply-information": "information",
    "query-or-close": "closure",
}
_ENDS = frozenset(_OWED)
_IN_HAND = (*NEW, "acknowledged")
_CROSSED = {"withdrawn": LATE}

_ANSWER = Opens(Side.requested, "answer", POLICE_DAYS, sooner=POLICE_SOONER)
_BODY = (
    BodyField("requesting_authority", "Contact point or authority making the request", _ARTICLE.format(4)),
    BodyField("information_sought", "The information sought, in as much detail as possible", _ARTICLE.format(4)),
    BodyField("purpose", "Purpose for which it is sought, and the offence", _ARTICLE.format(4)),
    BodyField("reasons", "Why the other side is believed to have it", _ARTICLE.format(4)),
    BodyField("urgency_reasons", "Reasons for the urgency", _ARTICLE.format(4), Condition.if_urgent),
)

_KINDS = (
    Kind(
        "request",
        "Request for information",
        REQUESTING,
        {},
        opens_dossier=True,
        act={
            "access": ActField(
                FieldType.code, False, "whether the other side has direct access to it", frozenset({"direct", "other"})
            ),
            "approvals": APPROVALS,
        },
        body=_BODY,
        opens=(_ANSWER,),
    ),
    *transport_kinds(_BODY, (_ANSWER,)),
    acknowledging({"holder": HOLDER}, ()),
    returning(_ENDS),
    forwarding(_IN_HAND, (_ANSWER,)),
    *asking(_IN_HAND, frozenset({"answer"}), _ARTICLE.format("6(3)")),
    Kind(
        "report-delay",
        "Report of a delay",
        REQUESTED,
        dict.fromkeys(_IN_HAND, STAY),
        act={"estimate": ActField(FieldType.date, True, "when the answer is expected")},
        body=(
            BodyField("reasons", "Reasons for the delay, such as a judicial authorisation", _ARTICLE.format("5(2)")),
        ),
        estimates=frozenset({"answer"}),
    ),
    Kind(
        "deliver-partial",
        "Partial answer",
        REQUESTED,
        {**dict.fromkeys(NEW, "acknowledged"), "acknowledged": STAY, **_CROSSED},
        act={"estimate": ActField(FieldType.date, False, "when the rest is expected")},
        body=(BodyField("result", "What is known, and what is still to come", _ARTICLE.format(5)),),
        estimates=frozenset({"answer"}),
    ),
    Kind(
        "deliver-result",
        "Answer",
        REQUESTED,
        {**dict.fromkeys(_IN_HAND, "result-delivered"), **_CROSSED},
        act={
            "outcomes": ActField(
                FieldType.outcomes, True, "the outcome of each measure of the message", frozenset(OUTCOMES), at_most=50
            ),
            "approvals": APPROVALS,
        },
        body=(BodyField("result", "The information", _ARTICLE.format(5)),),
        opens=(Opens(Side.requesting, "query-or-close", QUERY_DAYS),),
        closes=_ENDS,
    ),
    Kind(
        "nothing-found",
        "Nothing is known",
        REQUESTED,
        {**dict.fromkeys(_IN_HAND, "nothing-found"), **_CROSSED},
        act={"approvals": APPROVALS},
        opens=(CLOSE_RULE,),
        closes=_ENDS,
        outcome="nothing-found",
    ),
    refusing(_IN_HAND, _ARTICLE.format(6), _ENDS),
    Kind(
        "query-result",
        "Query about the answer",
        REQUESTING,
        {"result-delivered": "acknowledged"},
        body=(BodyField("questions", "What is missing or unclear", "practice (k)"),),
        needs_in_reply_to=True,
        opens=(_ANSWER,),
        closes=frozenset({"query-or-close"}),
        reopens=True,
    ),
    Kind(
        "close",
        "Closure",
        REQUESTING,
        dict.fromkeys(("result-delivered", "returned", "nothing-found", "refused"), CLOSED),
        closes=_ENDS,
    ),
    *withdrawal(_OPEN, _OWED),
    *use_kinds(_OPEN),
    *free_kinds(_OPEN),
)

POLICE_REQUEST = build_profile(
    "police-request",
    "Request for information between police contact points",
    _STATES,
    _KINDS,
    _OWED,
    several_recipients=False,
    handling=frozenset(POLICE_HANDLING),
    lasting=USE_OWED,
    body=(RESTRICTIONS,),
)
