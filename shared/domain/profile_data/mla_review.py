"""`mla-request`, from the mailbox to the decision: who looks at it, what is asked, offered, put off or refused."""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.profile_data.fragments import (
    ACKNOWLEDGE_DAYS,
    APPROVALS,
    HOLDER,
    NEW,
    REQUESTED,
    REQUESTING,
    acknowledging,
    forwarding,
    refusing,
    returning,
)
from shared.domain.profile_data.mla_execution import ACCEPT_DUTIES, EXECUTE, WORKING
from shared.domain.profile_data.questions import asking, consulting
from shared.domain.profile_format import BEFORE, ActField, BodyField, FieldType, Kind, Opens, Side

DECIDE_DAYS = 30

TO_DECIDE = (
    Opens(Side.requested, "acknowledge", ACKNOWLEDGE_DAYS),
    Opens(Side.requested, "decide", DECIDE_DAYS, requesters_deadline=True),
)
UNDECIDED = (*NEW, "acknowledged", "under-review")
IN_HAND = (*UNDECIDED, *WORKING)
_HELD_UP = frozenset({"decide", "execute"})
_DUE = ActField(FieldType.date, True, "by when the answer is asked for")


def review_kinds(owed: Iterable[str]) -> tuple[Kind, ...]:
    """`owed` is everything that a measure can owe: a return or a refusal ends it."""
    ends = frozenset(owed)
    return (
        acknowledging({"holder": HOLDER}, {"acknowledge"}),
        returning(ends),
        forwarding(UNDECIDED, TO_DECIDE),
        Kind(
            "start-review",
            "Start of the review",
            REQUESTED,
            dict.fromkeys((*NEW, "acknowledged"), "under-review"),
            act={"holder": HOLDER},
            closes=frozenset({"acknowledge"}),
        ),
        *asking(IN_HAND, _HELD_UP, "UNTOC 18(16), UNCAC 46(16)"),
        *consulting(IN_HAND, _HELD_UP, "UNTOC 18(26), UNCAC 46(26)"),
        Kind(
            "propose-conditions",
            "Offer under conditions",
            REQUESTED,
            dict.fromkeys(UNDECIDED, "conditions-proposed"),
            act={"due": _DUE},
            body=(BodyField("conditions", "The conditions", "UNTOC 18(26), UNCAC 46(26)"),),
            opens=(Opens(Side.requesting, "answer-conditions", dated_by="due"),),
            closes=frozenset({"acknowledge"}),
            pauses=frozenset({"decide"}),
        ),
        Kind(
            "propose-other-measure",
            "Offer of another measure",
            REQUESTED,
            dict.fromkeys(UNDECIDED, "conditions-proposed"),
            act={
                "due": _DUE,
                "instead": ActField(FieldType.measure_types, True, "the type that is offered for each measure"),
            },
            body=(BodyField("proposal", "The other measure, and why", "EIO 10 (k)"),),
            opens=(Opens(Side.requesting, "answer-conditions", dated_by="due"),),
            closes=frozenset({"acknowledge"}),
            pauses=frozenset({"decide"}),
        ),
        Kind(
            "accept-conditions",
            "Acceptance of what was offered",
            REQUESTING,
            {"conditions-proposed": "accepted"},
            act={"approvals": APPROVALS},
            needs_in_reply_to=True,
            opens=(EXECUTE,),
            closes=frozenset({"answer-conditions", "decide"}),
        ),
        Kind(
            "decline-conditions",
            "Rejection of what was offered",
            REQUESTING,
            {"conditions-proposed": "under-review"},
            needs_in_reply_to=True,
            closes=frozenset({"answer-conditions"}),
            resumes=frozenset({"decide"}),
        ),
        Kind(
            "accept",
            "Acceptance",
            REQUESTED,
            dict.fromkeys(UNDECIDED, "accepted"),
            act={"approvals": APPROVALS, "holder": HOLDER, "duties": ACCEPT_DUTIES},
            opens=(EXECUTE,),
            closes=frozenset({"acknowledge", "decide"}),
        ),
        refusing((*IN_HAND, "transfer-suspended"), "UNTOC 18(23), UNCAC 46(23)", ends),
        Kind(
            "postpone",
            "Postponement",
            REQUESTED,
            dict.fromkeys(IN_HAND, "postponed"),
            act={
                "review": ActField(FieldType.date, True, "when it will be looked at again"),
                "approvals": APPROVALS,
            },
            body=(BodyField("reasons", "Reasons for the postponement", "UNTOC 18(25), UNCAC 46(25)"),),
            remembers=True,
            opens=(Opens(Side.requested, "resume", dated_by="review"),),
            closes=frozenset({"acknowledge"}),
            pauses=_HELD_UP,
        ),
        Kind(
            "resume",
            "Resumption",
            REQUESTED,
            {"postponed": BEFORE},
            closes=frozenset({"resume"}),
            resumes=_HELD_UP,
        ),
    )
