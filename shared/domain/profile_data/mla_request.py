"""The profile `mla-request`: a letter rogatory or request for mutual legal assistance, from one party to one or
several.

Sources: UNTOC = UN Convention against Transnational Organized Crime, art. 18; UNCAC art. 46; EIO = Directive
2014/41/EU. The numbers of days here are the exchange's targets, policy and never law; the limits of the law stand in
`clocks.py`. Paragraphs marked (k) are from practice, not read at the source.
"""

from __future__ import annotations

from shared.domain.catalogue import MLA_HANDLING
from shared.domain.profile_data.fragments import (
    ACKNOWLEDGE_DAYS,
    APPROVALS,
    CONFIRM_DAYS,
    FINAL,
    OWED_ALIKE,
    QUERY_DAYS,
    RECIPROCITY_FIELD,
    REQUESTING,
    WITHDRAWN,
    beginning,
    discharging,
    ended,
    free_kinds,
    open_states,
    transport_kinds,
    withdrawal,
)
from shared.domain.profile_data.mla_appointments import APPOINTMENT_DUTIES, APPOINTMENT_OWED, appointment_kinds
from shared.domain.profile_data.mla_execution import EXECUTE_DAYS, execution_kinds
from shared.domain.profile_data.mla_handover import (
    DETAINEE_DUTIES,
    ITEM_DUTIES,
    ITEM_OWED,
    detainee_kinds,
    item_kinds,
)
from shared.domain.profile_data.mla_review import DECIDE_DAYS, TO_DECIDE, review_kinds
from shared.domain.profile_data.use import USE_OWED, use_kinds
from shared.domain.profile_format import (
    ActField,
    BodyField,
    Condition,
    Duty,
    FieldType,
    Kind,
    Side,
    State,
    build_profile,
)

_DECISION = f"{DECIDE_DAYS} d (policy) or the law's limit"
_EXECUTION = f"{EXECUTE_DAYS} d (policy) or the law's limit"

_STATES = (
    *beginning(("acknowledge", "decide"), f"{ACKNOWLEDGE_DAYS} d (policy) or the law's limit"),
    State("acknowledged", Side.requested, _DECISION, ("decide",)),
    State("under-review", Side.requested, _DECISION, ("decide",)),
    State("information-requested", Side.requesting, "the date in the question", ("supply-information",)),
    State("consulting", Side.requesting, "the date in the question", ("consult-reply",)),
    State("conditions-proposed", Side.requesting, "the date in the offer", ("answer-conditions",)),
    State("postponed", Side.requested, "the review date", ("resume",)),
    State("accepted", Side.requested, _EXECUTION, ("execute",)),
    State("executing", Side.requested, _EXECUTION, ("execute",)),
    State("transfer-suspended", Side.requested, "the review date", ("transfer",)),
    WITHDRAWN,
    State(
        "result-delivered",
        Side.requesting,
        f"confirm {CONFIRM_DAYS} d, query or close {QUERY_DAYS} d (policy), then by silence",
        ("confirm-receipt", "query-or-close"),
        silence="query-or-close",
    ),
    *ended("returned", "nothing-found", "not-executable", "refused"),
    FINAL,
)
_OPEN = open_states(_STATES)

_OWED = {
    **OWED_ALIKE,
    **APPOINTMENT_OWED,
    "decide": "decision",
    "execute": "execution",
    "supply-information": "information",
    "consult-reply": "consultation",
    "answer-conditions": "answer to conditions",
    "resume": "resumption",
    "transfer": "transfer of the result",
    "confirm-receipt": "confirmation",
    "query-or-close": "closure",
}

DUTIES = {
    "hard-copy": Duty(Side.requesting, "hard copy", "filing practice of the requested party (k)"),
    "written-confirmation": Duty(
        Side.requesting, "written confirmation of an oral request", "UNTOC 18(14), UNCAC 46(14)"
    ),
    "costs": Duty(Side.requesting, "payment of costs", "UNTOC 18(28), UNCAC 46(28)"),
    **ITEM_DUTIES,
    **DETAINEE_DUTIES,
    **APPOINTMENT_DUTIES,
}
_ENDED = (*_OWED, *APPOINTMENT_DUTIES)
_OWN_DUTIES = frozenset({"hard-copy", "written-confirmation"})

_BODY = (
    BodyField("requesting_authority", "Authority making the request", "UNTOC 18(15)(a), UNCAC 46(15)(a)"),
    BodyField("subject_matter", "Subject matter of the proceeding", "UNTOC 18(15)(b), UNCAC 46(15)(b)"),
    BodyField("nature_of_proceeding", "Nature and stage of the proceeding", "UNTOC 18(15)(b), UNCAC 46(15)(b)"),
    BodyField(
        "conducting_authority",
        "Name and functions of the authority conducting the proceeding",
        "UNTOC 18(15)(b), UNCAC 46(15)(b)",
    ),
    BodyField(
        "facts", "Summary of the relevant facts", "UNTOC 18(15)(c), UNCAC 46(15)(c)", Condition.unless_service_only
    ),
    BodyField(
        "assistance_sought",
        "Description of the assistance sought, and any particular procedure to follow",
        "UNTOC 18(15)(d), UNCAC 46(15)(d)",
    ),
    BodyField("purpose", "Purpose of the evidence, information or action", "UNTOC 18(15)(f), UNCAC 46(15)(f)"),
    RECIPROCITY_FIELD,
    BodyField("deadline_reasons", "Reasons for the deadline", "UNTOC 18(24), UNCAC 46(24)", Condition.with_deadline),
    BodyField(
        "emergency_justification",
        "Significant and imminent risk to life or safety",
        "Budapest 2AP art. 3 (k)",
        Condition.in_emergency,
    ),
)

_REQUEST = Kind(
    "request",
    "Request for assistance",
    REQUESTING,
    {},
    opens_dossier=True,
    act={
        "deadline": ActField(FieldType.date, False, "the requester's deadline; its reasons stand in the body"),
        "preservation": ActField(FieldType.dossier, False, "the dossier in which the data was preserved"),
        "duties": ActField(FieldType.duties, False, "what follows, and by when", _OWN_DUTIES),
        "approvals": APPROVALS,
    },
    body=_BODY,
    opens=TO_DECIDE,
)

_KINDS = (
    _REQUEST,
    *transport_kinds(_BODY, TO_DECIDE),
    *review_kinds(_ENDED),
    *execution_kinds(_ENDED),
    *appointment_kinds(_OPEN),
    *detainee_kinds(_OPEN),
    *item_kinds(_OPEN),
    *withdrawal(_OPEN, _ENDED),
    discharging(_OPEN, DUTIES),
    *use_kinds(_OPEN),
    *free_kinds(_OPEN),
)

MLA_REQUEST = build_profile(
    "mla-request",
    "Request for mutual legal assistance",
    _STATES,
    _KINDS,
    _OWED,
    several_recipients=True,
    handling=frozenset(MLA_HANDLING),
    duties=DUTIES,
    lasting={**USE_OWED, **ITEM_OWED},
)
