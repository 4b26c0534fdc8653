"""The profile `mla-request`: a letter rogatory or request for mutual legal assistance, from one party to one or
several.

Sources: UNTOC = UN Convention against Transnational Organized Crime, art. 18; UNCAC art. 46; EIO = Directive
2014/41/EU. The numbers of days here are the exchange's targets, policy and never law; the limits of the law stand in
`clocks.py`.
"""

from __future__ import annotations

from types import MappingProxyType

from shared.domain.catalogue import MLA_HANDLING, OUTCOMES, STAGES
from shared.domain.profile_format import (
    BEFORE,
    STAY,
    ActField,
    BodyField,
    Condition,
    FieldType,
    Kind,
    Opens,
    Profile,
    Side,
    State,
)

ACKNOWLEDGE_DAYS = 7
DECIDE_DAYS = 30
EXECUTE_DAYS = 90
CONFIRM_DAYS = 10
QUERY_DAYS = 60
CLOSE_DAYS = 30
STATUS_DAYS = 14

_REQUESTING = frozenset({Side.requesting})
_REQUESTED = frozenset({Side.requested})

_STATES = (
    State("submitted", Side.requested, f"{ACKNOWLEDGE_DAYS} d (policy) or the law's limit", ("acknowledge", "decide")),
    State("transmitted", Side.exchange, "relay and delivery limits (policy)", by_transport=True),
    State(
        "delivered",
        Side.requested,
        f"{ACKNOWLEDGE_DAYS} d (policy) or the law's limit",
        ("acknowledge", "decide"),
        by_transport=True,
    ),
    State("acknowledged", Side.requested, f"{DECIDE_DAYS} d (policy) or the law's limit", ("decide",)),
    State("under-review", Side.requested, f"{DECIDE_DAYS} d (policy) or the law's limit", ("decide",)),
    State("information-requested", Side.requesting, "the date in the question", ("supply-information",)),
    State("accepted", Side.requested, f"{EXECUTE_DAYS} d (policy) or the law's limit", ("execute",)),
    State("executing", Side.requested, f"{EXECUTE_DAYS} d (policy) or the law's limit", ("execute",)),
    State(
        "result-delivered",
        Side.requesting,
        f"confirm {CONFIRM_DAYS} d, query or close {QUERY_DAYS} d (policy)",
        ("confirm-receipt", "query-or-close"),
    ),
    State("refused", Side.requesting, f"{CLOSE_DAYS} d (policy)", ("close",)),
    State("closed", None, "nothing is owed"),
)

_OWED = {
    "acknowledge": "acknowledgement",
    "decide": "decision",
    "execute": "execution",
    "supply-information": "information",
    "confirm-receipt": "confirmation",
    "query-or-close": "closure",
    "close": "closure",
    "report-status": "status query",
}

_UNDECIDED = ("submitted", "acknowledged", "under-review")
_IN_HAND = (*_UNDECIDED, "accepted", "executing")
_OPEN = tuple(state.name for state in _STATES if state.turn is not None and not state.by_transport)

_APPROVALS = ActField(FieldType.integer, False, "how many internal approvals it has")
_HOLDER = ActField(FieldType.authority, False, "the competent authority that does the work, where it is another")

_EXECUTE = Opens(Side.requested, "execute", EXECUTE_DAYS, requesters_deadline=True)

_KINDS = (
    Kind(
        "request",
        "Request for assistance",
        _REQUESTING,
        {},
        opens_dossier=True,
        act={
            "deadline": ActField(FieldType.date, False, "the requester's deadline; its reasons stand in the body"),
            "approvals": _APPROVALS,
        },
        body=(
            BodyField("requesting_authority", "Authority making the request", "UNTOC 18(15)(a), UNCAC 46(15)(a)"),
            BodyField("subject_matter", "Subject matter of the proceeding", "UNTOC 18(15)(b), UNCAC 46(15)(b)"),
            BodyField("nature_of_proceeding", "Nature and stage of the proceeding", "UNTOC 18(15)(b), UNCAC 46(15)(b)"),
            BodyField(
                "conducting_authority",
                "Name and functions of the authority conducting the proceeding",
                "UNTOC 18(15)(b), UNCAC 46(15)(b)",
            ),
            BodyField(
                "facts",
                "Summary of the relevant facts",
                "UNTOC 18(15)(c), UNCAC 46(15)(c)",
                Condition.unless_service_only,
            ),
            BodyField(
                "assistance_sought",
                "Description of the assistance sought, and any particular procedure to follow",
                "UNTOC 18(15)(d), UNCAC 46(15)(d)",
            ),
            BodyField("purpose", "Purpose of the evidence, information or action", "UNTOC 18(15)(f), UNCAC 46(15)(f)"),
            BodyField(
                "deadline_reasons", "Reasons for the deadline", "UNTOC 18(24), UNCAC 46(24)", Condition.with_deadline
            ),
            BodyField(
                "emergency_justification",
                "Significant and imminent risk to life or safety",
                "Budapest 2AP art. 3 (k)",
                Condition.in_emergency,
            ),
        ),
        opens=(
            Opens(Side.requested, "acknowledge", ACKNOWLEDGE_DAYS),
            Opens(Side.requested, "decide", DECIDE_DAYS, requesters_deadline=True),
        ),
    ),
    Kind(
        "acknowledge",
        "Acknowledgement of receipt",
        _REQUESTED,
        {"submitted": "acknowledged"},
        act={"holder": _HOLDER},
        needs_in_reply_to=True,
        closes=frozenset({"acknowledge"}),
    ),
    Kind(
        "start-review",
        "Start of the review",
        _REQUESTED,
        {"submitted": "under-review", "acknowledged": "under-review"},
        act={"holder": _HOLDER},
        closes=frozenset({"acknowledge"}),
    ),
    Kind(
        "ask-information",
        "Request for supplementary information",
        _REQUESTED,
        dict.fromkeys(_IN_HAND, "information-requested"),
        act={"due": ActField(FieldType.date, True, "by when the answer is asked for")},
        body=(BodyField("questions", "The questions", "UNTOC 18(16), UNCAC 46(16)"),),
        remembers=True,
        opens=(Opens(Side.requesting, "supply-information", dated_by="due"),),
        closes=frozenset({"acknowledge"}),
        pauses=frozenset({"decide", "execute"}),
    ),
    Kind(
        "supply-information",
        "Supplementary information",
        _REQUESTING,
        {"information-requested": BEFORE},
        body=(BodyField("answers", "The answers", "UNTOC 18(16), UNCAC 46(16)"),),
        needs_in_reply_to=True,
        closes=frozenset({"supply-information"}),
        resumes=frozenset({"decide", "execute"}),
    ),
    Kind(
        "accept",
        "Acceptance",
        _REQUESTED,
        dict.fromkeys(_UNDECIDED, "accepted"),
        act={"approvals": _APPROVALS, "holder": _HOLDER},
        opens=(_EXECUTE,),
        closes=frozenset({"acknowledge", "decide"}),
    ),
    Kind(
        "refuse",
        "Refusal",
        _REQUESTED,
        dict.fromkeys(_IN_HAND, "refused"),
        act={
            "grounds": ActField(FieldType.codes, True, "the grounds of refusal, at least one"),
            "approvals": _APPROVALS,
        },
        body=(BodyField("reasons", "Reasons for the refusal", "UNTOC 18(23), UNCAC 46(23)"),),
        opens=(Opens(Side.requesting, "close", CLOSE_DAYS),),
        closes=frozenset({"acknowledge", "decide", "execute", "report-status"}),
    ),
    Kind("start-execution", "Start of execution", _REQUESTED, {"accepted": "executing"}, act={"holder": _HOLDER}),
    Kind(
        "report-delay",
        "Report of a delay",
        _REQUESTED,
        {"accepted": STAY, "executing": STAY},
        act={"estimate": ActField(FieldType.date, True, "when the result is expected")},
        body=(BodyField("reasons", "Reasons for the delay", "EIO 12(6); UNTOC 18(24), UNCAC 46(24)"),),
        estimates="execute",
    ),
    Kind(
        "deliver-partial",
        "Partial result",
        _REQUESTED,
        {"accepted": "executing", "executing": STAY},
        act={"estimate": ActField(FieldType.date, False, "when the rest is expected")},
        body=(BodyField("result", "What is delivered, and what is still to come", "UNTOC 18(24), UNCAC 46(24)"),),
        estimates="execute",
    ),
    Kind(
        "deliver-result",
        "Result",
        _REQUESTED,
        dict.fromkeys(_IN_HAND, "result-delivered"),
        act={
            "outcomes": ActField(
                FieldType.outcomes, True, "the outcome of each measure of the message", frozenset(OUTCOMES), at_most=50
            ),
            "approvals": _APPROVALS,
        },
        body=(BodyField("result", "The result of each measure", "UNTOC 18(24), UNCAC 46(24)"),),
        opens=(
            Opens(Side.requesting, "confirm-receipt", CONFIRM_DAYS),
            Opens(Side.requesting, "query-or-close", QUERY_DAYS),
        ),
        closes=frozenset({"acknowledge", "decide", "execute", "report-status"}),
    ),
    Kind(
        "confirm-receipt",
        "Confirmation that the result was received",
        _REQUESTING,
        {"result-delivered": STAY},
        needs_in_reply_to=True,
        closes=frozenset({"confirm-receipt"}),
    ),
    Kind(
        "query-result",
        "Query about the result",
        _REQUESTING,
        {"result-delivered": "executing"},
        body=(BodyField("questions", "What is missing or unclear", "practice (k)"),),
        needs_in_reply_to=True,
        opens=(Opens(Side.requested, "execute", EXECUTE_DAYS),),
        closes=frozenset({"confirm-receipt", "query-or-close"}),
    ),
    Kind(
        "close",
        "Closure",
        _REQUESTING,
        {"result-delivered": "closed", "refused": "closed"},
        closes=frozenset({"confirm-receipt", "query-or-close", "close", "report-status"}),
    ),
    Kind("remind", "Reminder", _REQUESTING | _REQUESTED, dict.fromkeys(_OPEN, STAY), changes_state=False),
    Kind(
        "ask-status",
        "Question about the status",
        _REQUESTING,
        dict.fromkeys(_OPEN, STAY),
        act={"due": ActField(FieldType.date, False, "by when the answer is asked for")},
        changes_state=False,
        opens=(Opens(Side.requested, "report-status", STATUS_DAYS, dated_by="due"),),
        closes=frozenset({"report-status"}),  # a new question takes the place of the old one: questions do not pile up
    ),
    Kind(
        "report-status",
        "Report on the status",
        _REQUESTED,
        dict.fromkeys(_OPEN, STAY),
        act={
            "stage": ActField(FieldType.code, True, "where the work stands", frozenset(STAGES)),
            "estimate": ActField(FieldType.date, False, "when the next step is expected"),
        },
        changes_state=False,
        closes=frozenset({"report-status"}),
    ),
)

MLA_REQUEST = Profile(
    name="mla-request",
    states=MappingProxyType({state.name: state for state in _STATES}),
    kinds=MappingProxyType({kind.name: kind for kind in _KINDS}),
    owed=MappingProxyType(_OWED),
    first_state="submitted",
    several_recipients=True,
    handling=frozenset(MLA_HANDLING),
)
