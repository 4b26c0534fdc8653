"""Rows that profiles have alike: transport, the free kinds, withdrawal, duties.

What differs between profiles stands in their own tables; a row is here because several profiles have it letter by
letter. The numbers of days are the exchange's targets, policy and never law.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.domain.catalogue import CANNOT_OPEN, CHANNELS, STAGES
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
    State,
)

ACKNOWLEDGE_DAYS = 7
CONFIRM_DAYS = 10
QUERY_DAYS = 60
CLOSE_DAYS = 30
STATUS_DAYS = 14
RESEND_DAYS = 1
STOP_DAYS = 10

REQUESTING = frozenset({Side.requesting})
REQUESTED = frozenset({Side.requested})
BOTH = REQUESTING | REQUESTED

NEW = ("submitted", "delivered")
"""Where nobody has answered yet; `delivered` is stored when another channel or a new holder has it."""

APPROVALS = ActField(FieldType.integer, False, "how many internal approvals it has")
HOLDER = ActField(FieldType.authority, False, "the competent authority that does the work, where it is another")
SENT_BY: Mapping[str, ActField] = {
    "channel": ActField(FieldType.code, True, "by which channel", frozenset(CHANNELS)),
    "sent": ActField(FieldType.date, True, "on which day", is_past=True),
    "bag": ActField(FieldType.code, False, "the number of the bag or of the consignment"),
}
REASONS = BodyField("reasons", "Reasons", "practice (k)")

OWED_ALIKE: Mapping[str, str] = {
    "acknowledge": "acknowledgement",
    "resend": "new sending",
    "confirm-stopped": "confirmation that the work stopped",
    "report-status": "status query",
    "close": "closure",
}

RECIPROCITY_FIELD = BodyField("reciprocity", "Assurance of reciprocity", "practice (k)", Condition.with_reciprocity)

CLOSE_RULE = Opens(Side.requesting, "close", CLOSE_DAYS)


def beginning(owes: tuple[str, ...], by_when: str) -> tuple[State, ...]:
    """The states up to the mailbox."""
    return (
        State(
            "undelivered", Side.requesting, f"at once: {RESEND_DAYS} d (policy)", ("resend",), instead_of="submitted"
        ),
        State("submitted", Side.requested, by_when, owes),
        State("transmitted", Side.exchange, "relay and delivery limits (policy)", by_transport=True),
        State("delivered", Side.requested, by_when, owes),
    )


def ended(*names: str) -> tuple[State, ...]:
    """States that the requesting side closes, or silence does."""
    return tuple(
        State(name, Side.requesting, f"{CLOSE_DAYS} d (policy), then by silence", ("close",), silence="close")
        for name in names
    )


WITHDRAWN = State("withdrawn", Side.requested, f"{STOP_DAYS} d (policy)", ("confirm-stopped",))
FINAL = State(CLOSED, None, "nothing is owed but open duties, each by its date")


def open_states(states: Iterable[State]) -> tuple[str, ...]:
    """The names of those that are stored and not final."""
    return tuple(state.name for state in states if state.turn is not None and not state.by_transport)


def anywhere(states: Iterable[str]) -> dict[str, str]:
    """In each of these, and after the closure: what moves nothing."""
    return dict.fromkeys((*states, CLOSED), STAY)


def transport_kinds(body: tuple[BodyField, ...], opens: tuple[Opens, ...]) -> tuple[Kind, ...]:
    """What happens when the first message cannot be opened, or was not delivered. `body` is the content that a new
    sending holds again, `opens` what the first message opened: the clocks, void or not, begin anew."""
    clocks = frozenset(rule.owed for rule in opens)
    return (
        Kind(
            "cannot-open",
            "The message cannot be opened",
            REQUESTED,
            dict.fromkeys(NEW, "undelivered"),
            act={"reason": ActField(FieldType.code, True, "what is wrong with it", frozenset(CANNOT_OPEN))},
            needs_in_reply_to=True,
            opens=(Opens(Side.requesting, "resend", RESEND_DAYS),),
            closes=clocks,
        ),
        Kind(
            "resend",
            "The same message, sealed anew",
            REQUESTING,
            {"undelivered": "submitted"},
            body=body,
            opens=opens,
            closes=frozenset({"resend"}) | clocks,
            renews=True,
        ),
        Kind(
            "other-channel",
            "Sent by another channel",
            REQUESTING,
            {"undelivered": "delivered"},
            act=SENT_BY,
            opens=opens,
            closes=frozenset({"resend"}) | clocks,
        ),
    )


def free_kinds(open_: tuple[str, ...]) -> tuple[Kind, ...]:
    """Reminders, status queries and their answers, which cross anything."""
    everywhere = dict.fromkeys(open_, STAY)
    return (
        Kind("remind", "Reminder", BOTH, anywhere(open_), changes_state=False),
        Kind(
            "ask-status",
            "Question about the status",
            REQUESTING,
            everywhere,
            act={"due": ActField(FieldType.date, False, "by when the answer is asked for")},
            changes_state=False,
            opens=(Opens(Side.requested, "report-status", STATUS_DAYS, dated_by="due"),),
            closes=frozenset({"report-status"}),  # a new question takes the place of the old one: they do not pile up
        ),
        Kind(
            "report-status",
            "Report on the status",
            REQUESTED,
            everywhere,
            act={
                "stage": ActField(FieldType.code, True, "where the work stands", frozenset(STAGES)),
                "estimate": ActField(FieldType.date, False, "when the next step is expected"),
            },
            changes_state=False,
            closes=frozenset({"report-status"}),
        ),
    )


def withdrawal(open_: tuple[str, ...], owed: Iterable[str]) -> tuple[Kind, Kind]:
    """The withdrawal from any open state, and the confirmation that the work stopped. `owed` is all that it ends."""
    return (
        Kind(
            "withdraw",
            "Withdrawal",
            REQUESTING,
            dict.fromkeys((name for name in open_ if name != "withdrawn"), "withdrawn"),
            act={"approvals": APPROVALS},
            opens=(Opens(Side.requested, "confirm-stopped", STOP_DAYS),),
            closes=frozenset(owed) - {"confirm-stopped"},
            outcome="withdrawn",
            may_be_crossed=True,
        ),
        Kind(
            "confirm-stopped",
            "Confirmation that the work stopped: measures lifted, data disposed of",
            REQUESTED,
            {"withdrawn": CLOSED},
            act={"stopped": ActField(FieldType.date, False, "since when", is_past=True)},
            needs_in_reply_to=True,
            closes=frozenset({"confirm-stopped", "report-status"}),
        ),
    )


def acknowledging(act: Mapping[str, ActField], closes: Iterable[str]) -> Kind:
    return Kind(
        "acknowledge",
        "Acknowledgement of receipt",
        REQUESTED,
        dict.fromkeys(NEW, "acknowledged"),
        act=act,
        needs_in_reply_to=True,
        closes=frozenset(closes),
    )


def refusing(states: tuple[str, ...], rule: str, owed: Iterable[str]) -> Kind:
    """With a ground and reasons, always. `rule` is the source that asks for the reasons, `owed` all that it ends."""
    return Kind(
        "refuse",
        "Refusal",
        REQUESTED,
        dict.fromkeys(states, "refused"),
        act={
            "grounds": ActField(FieldType.codes, True, "the grounds of refusal, at least one"),
            "approvals": APPROVALS,
        },
        body=(BodyField("reasons", "Reasons for the refusal", rule),),
        opens=(CLOSE_RULE,),
        closes=frozenset(owed),
        outcome="refused",
    )


def returning(owed: Iterable[str]) -> Kind:
    return Kind(
        "return",
        "Return for lack of competence",
        REQUESTED,
        dict.fromkeys(NEW, "returned"),
        act={"competent": ActField(FieldType.authority, False, "the authority that is competent, where it is known")},
        body=(BodyField("reasons", "Why it is not competent", "UNTOC 18(13), UNCAC 46(13); practice (k)"),),
        opens=(CLOSE_RULE,),
        closes=frozenset(owed),
        outcome="returned",
    )


def forwarding(states: tuple[str, ...], opens: tuple[Opens, ...]) -> Kind:
    """`opens` is what the new holder owes: a second acknowledgement, and the limits from its own receipt."""
    return Kind(
        "forward",
        "Handing on to the competent authority",
        REQUESTED,
        dict.fromkeys(states, "delivered"),
        act={
            "holder": ActField(FieldType.authority, True, "the new holder; the requested party itself takes it back"),
            "original": ActField(FieldType.message, True, "the message that is handed on"),
        },
        opens=opens,
        closes=frozenset(rule.owed for rule in opens),
        forwards=True,
    )


def discharging(states: tuple[str, ...], duties: Iterable[str]) -> Kind:
    return Kind(
        "discharge",
        "Discharge of a duty",
        BOTH,
        anywhere(states),
        act={"duties": ActField(FieldType.codes, True, "what was done", frozenset(duties))},
        discharges=True,
    )
