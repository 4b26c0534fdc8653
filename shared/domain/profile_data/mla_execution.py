"""`mla-request`, from the decision to the end: execution, its delays, its result and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.catalogue import OUTCOMES
from shared.domain.profile_data.fragments import (
    APPROVALS,
    CLOSE_RULE,
    CONFIRM_DAYS,
    HOLDER,
    NEW,
    QUERY_DAYS,
    REQUESTED,
    REQUESTING,
)
from shared.domain.profile_format import CLOSED, LATE, STAY, ActField, BodyField, FieldType, Kind, Opens, Side

EXECUTE_DAYS = 90
WORKING = ("accepted", "executing")
EXECUTE = Opens(Side.requested, "execute", EXECUTE_DAYS, requesters_deadline=True)
ACCEPT_DUTIES = ActField(
    FieldType.duties,
    False,
    "what the requesting side shall do, and by when",
    frozenset({"hard-copy", "safe-conduct", "custody", "return-detainee"}),
)
_CROSSED = {"withdrawn": LATE}
_RESULT_RULE = "UNTOC 18(24), UNCAC 46(24)"


def execution_kinds(owed: Iterable[str]) -> tuple[Kind, ...]:
    """`owed` is everything that a measure can owe: a result ends it, and opens what the requesting side owes."""
    ends = frozenset(owed)
    result_duties = ActField(
        FieldType.duties,
        False,
        "what the requesting side shall do, and by when",
        frozenset({"costs", "custody", "return-detainee", "return-originals", "safe-conduct"}),
    )
    answered = (
        Opens(Side.requesting, "confirm-receipt", CONFIRM_DAYS),
        Opens(Side.requesting, "query-or-close", QUERY_DAYS),
    )
    return (
        Kind("start-execution", "Start of execution", REQUESTED, {"accepted": "executing"}, act={"holder": HOLDER}),
        Kind(
            "report-delay",
            "Report of a delay",
            REQUESTED,
            dict.fromkeys(("acknowledged", "under-review", *WORKING), STAY),
            act={"estimate": ActField(FieldType.date, True, "when the decision or the result is expected")},
            body=(BodyField("reasons", "Reasons for the delay", "EIO 12(5) and (6); UNTOC 18(24), UNCAC 46(24)"),),
            estimates=frozenset({"decide", "execute"}),
        ),
        Kind(
            "suspend-transfer",
            "Suspension of the transfer: a remedy is pending",
            REQUESTED,
            dict.fromkeys(WORKING, "transfer-suspended"),
            act={"review": ActField(FieldType.date, True, "when it will be looked at again")},
            body=(BodyField("reasons", "The remedy that is pending", "EIO 13(2) (k)"),),
            opens=(Opens(Side.requested, "transfer", dated_by="review"),),
            pauses=frozenset({"execute"}),
        ),
        Kind(
            "deliver-partial",
            "Partial result",
            REQUESTED,
            {"accepted": "executing", "executing": STAY, **_CROSSED},
            act={
                "estimate": ActField(FieldType.date, False, "when the rest is expected"),
                "duties": result_duties,
            },
            body=(BodyField("result", "What is delivered, and what is still to come", _RESULT_RULE),),
            estimates=frozenset({"execute"}),
        ),
        Kind(
            "deliver-result",
            "Result",
            REQUESTED,
            {
                **dict.fromkeys((*NEW, "acknowledged", "under-review", *WORKING), "result-delivered"),
                "transfer-suspended": "result-delivered",
                **_CROSSED,
            },
            act={
                "outcomes": ActField(
                    FieldType.outcomes,
                    True,
                    "the outcome of each measure of the message",
                    frozenset(OUTCOMES),
                    at_most=50,
                ),
                "duties": result_duties,
                "approvals": APPROVALS,
            },
            body=(BodyField("result", "The result of each measure", _RESULT_RULE),),
            opens=answered,
            closes=ends,
        ),
        Kind(
            "nothing-found",
            "Executed, and nothing found",
            REQUESTED,
            {**dict.fromkeys(WORKING, "nothing-found"), **_CROSSED},
            act={"approvals": APPROVALS},
            body=(BodyField("result", "What was done, and where it was looked for", _RESULT_RULE),),
            opens=(CLOSE_RULE,),
            closes=ends,
            outcome="nothing-found",
        ),
        Kind(
            "not-executable",
            "Cannot be executed",
            REQUESTED,
            {**dict.fromkeys(WORKING, "not-executable"), **_CROSSED},
            act={"approvals": APPROVALS},
            body=(BodyField("reasons", "Why it cannot be executed", _RESULT_RULE),),
            opens=(CLOSE_RULE,),
            closes=ends,
            outcome="not-executable",
        ),
        Kind(
            "confirm-receipt",
            "Confirmation that the result was received",
            REQUESTING,
            {"result-delivered": STAY},
            needs_in_reply_to=True,
            closes=frozenset({"confirm-receipt"}),
        ),
        Kind(
            "query-result",
            "Query about the result",
            REQUESTING,
            {"result-delivered": "executing"},
            body=(BodyField("questions", "What is missing or unclear", "practice (k)"),),
            needs_in_reply_to=True,
            opens=(Opens(Side.requested, "execute", EXECUTE_DAYS),),
            closes=frozenset({"confirm-receipt", "query-or-close"}),
            reopens=True,
        ),
        Kind(
            "close",
            "Closure",
            REQUESTING,
            dict.fromkeys(("result-delivered", "refused", "returned", "nothing-found", "not-executable"), CLOSED),
            closes=ends,
        ),
    )
