"""The profile `preservation`: expedited preservation of stored data, later tied to the request for it.

Sources: Convention on Cybercrime (Budapest), articles 29 and 30 (k). Preservation is for at least 60 days, so that the
requesting party can submit its request; once that is received the data is kept until it is decided (29(7)).
"""

from __future__ import annotations

from shared.domain.catalogue import MLA_HANDLING
from shared.domain.profile_data.fragments import (
    ACKNOWLEDGE_DAYS,
    APPROVALS,
    CLOSE_RULE,
    FINAL,
    HOLDER,
    NEW,
    OWED_ALIKE,
    RECIPROCITY_FIELD,
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
from shared.domain.profile_data.use import USE_OWED, use_kinds
from shared.domain.profile_format import (
    CLOSED,
    STAY,
    ActField,
    BodyField,
    Condition,
    FieldType,
    Kind,
    Opens,
    Side,
    Sooner,
    State,
    build_profile,
)

PRESERVE_DAYS = 3
TIED_DAYS = 180
EXTENSION_DAYS = 7
_URGENT_HOURS = 24

_BY = f"{PRESERVE_DAYS} d, urgent {_URGENT_HOURS} h (policy)"
_STATES = (
    *beginning(("acknowledge", "preserve"), _BY),
    State("acknowledged", Side.requested, _BY, ("preserve",)),
    State("information-requested", Side.requesting, "the date in the question", ("supply-information",)),
    State(
        "preserved",
        Side.requesting,
        "the day on which the preservation ends, then by silence",
        ("request-or-release",),
        silence="request-or-release",
    ),
    State("extension-asked", Side.requested, f"{EXTENSION_DAYS} d (policy)", ("extend",)),
    State("tied", Side.requesting, f"{TIED_DAYS} d (policy): release once the request is decided", ("release",)),
    WITHDRAWN,
    *ended("returned", "nothing-found", "not-executable", "refused"),
    FINAL,
)
_OPEN = open_states(_STATES)
_OWED = {
    **OWED_ALIKE,
    "preserve": "preservation",
    "supply-information": "information",
    "request-or-release": "request for the data, or its release",
    "extend": "extension",
    "release": "release",
}
_ENDS = frozenset(_OWED)
_IN_HAND = (*NEW, "acknowledged")
_KEPT = Opens(Side.requesting, "request-or-release", dated_by="until")
_UNTIL = ActField(FieldType.date, True, "until when the data is kept")

_TO_PRESERVE = (
    Opens(Side.requested, "acknowledge", ACKNOWLEDGE_DAYS, sooner=(Sooner(_URGENT_HOURS, Condition.if_urgent),)),
    Opens(Side.requested, "preserve", PRESERVE_DAYS, sooner=(Sooner(_URGENT_HOURS, Condition.if_urgent),)),
)
_BODY = (
    BodyField("requesting_authority", "Authority seeking the preservation", "Budapest 29(2)(a) (k)"),
    BodyField("offence", "The offence, and a brief summary of the facts", "Budapest 29(2)(b) (k)"),
    BodyField("data", "The data to be preserved, and its link to the offence", "Budapest 29(2)(c) (k)"),
    BodyField("custodian", "Custodian or location, as far as it is known", "Budapest 29(2)(d) (k)"),
    BodyField("necessity", "Why the preservation is needed", "Budapest 29(2)(e) (k)"),
    BodyField("intention", "That a request for the data will be submitted", "Budapest 29(2)(f) (k)"),
    RECIPROCITY_FIELD,
    BodyField(
        "emergency_justification",
        "Significant and imminent risk to life or safety",
        "Budapest 2AP art. 3 (k)",
        Condition.in_emergency,
    ),
)


def _negative(name: str, label: str, field: BodyField, outcome: str) -> Kind:
    return Kind(
        name,
        label,
        REQUESTED,
        dict.fromkeys(_IN_HAND, name),
        act={"approvals": APPROVALS},
        body=(field,),
        opens=(CLOSE_RULE,),
        closes=_ENDS,
        outcome=outcome,
    )


_KINDS = (
    Kind(
        "request",
        "Request for preservation",
        REQUESTING,
        {},
        opens_dossier=True,
        act={"approvals": APPROVALS},
        body=_BODY,
        opens=_TO_PRESERVE,
    ),
    *transport_kinds(_BODY, _TO_PRESERVE),
    acknowledging({"holder": HOLDER}, {"acknowledge"}),
    returning(_ENDS),
    forwarding(_IN_HAND, _TO_PRESERVE),
    *asking(_IN_HAND, frozenset({"preserve"}), "Budapest 29(2) (k)"),
    Kind(
        "preserve",
        "Confirmation that the data is preserved",
        REQUESTED,
        dict.fromkeys(_IN_HAND, "preserved"),
        act={"until": _UNTIL, "approvals": APPROVALS, "holder": HOLDER},
        opens=(_KEPT,),
        closes=frozenset({"acknowledge", "preserve"}),
        outcome="executed",
    ),
    _negative(
        "nothing-found",
        "No such data is held",
        BodyField("result", "Where it was looked for", "practice (k)"),
        "nothing-found",
    ),
    _negative(
        "not-executable",
        "Cannot be preserved",
        BodyField("reasons", "Why it cannot be preserved, or would not be kept by it", "Budapest 29(6) (k)"),
        "not-executable",
    ),
    refusing(_IN_HAND, "Budapest 29(5) (k)", _ENDS),
    Kind(
        "ask-extension",
        "Request to keep the data for longer",
        REQUESTING,
        {"preserved": "extension-asked"},
        act={"until": ActField(FieldType.date, True, "until when it is asked for")},
        body=(BodyField("reasons", "Why it is needed for longer", "practice (k)"),),
        opens=(Opens(Side.requested, "extend", EXTENSION_DAYS),),
    ),
    Kind(
        "extend",
        "Answer to a request for extension: until when the data is kept",
        REQUESTED,
        {"extension-asked": "preserved"},
        act={"until": _UNTIL},
        needs_in_reply_to=True,
        opens=(_KEPT,),
        closes=frozenset({"extend", "request-or-release"}),
    ),
    Kind(
        "tie-request",
        "The request for the data was submitted",
        REQUESTING,
        dict.fromkeys(("preserved", "extension-asked"), "tied"),
        act={"dossier": ActField(FieldType.dossier, True, "the dossier of the request")},
        opens=(Opens(Side.requesting, "release", TIED_DAYS),),
        closes=frozenset({"request-or-release", "extend"}),
    ),
    Kind(
        "report-risk",
        "Warning that the data may be lost, or the measure become known",
        REQUESTED,
        dict.fromkeys(("preserved", "extension-asked", "tied"), STAY),
        body=(BodyField("risk", "What threatens the data or the confidentiality", "Budapest 29(6) (k)"),),
    ),
    Kind(
        "close",
        "Closure: the data is released",
        REQUESTING,
        dict.fromkeys(
            ("preserved", "extension-asked", "tied", "returned", "nothing-found", "not-executable", "refused"), CLOSED
        ),
        closes=_ENDS,
    ),
    *withdrawal(_OPEN, _OWED),
    *use_kinds(_OPEN),
    *free_kinds(_OPEN),
)

PRESERVATION = build_profile(
    "preservation",
    "Expedited preservation of data",
    _STATES,
    _KINDS,
    _OWED,
    several_recipients=False,
    handling=frozenset(MLA_HANDLING),
    measures=frozenset({"preservation"}),
    lasting=USE_OWED,
)
