"""The tables of the design, written down again by hand: who may send what, from which state, to which.

Nothing here comes from the profiles' data; a test plays random histories against both. "=" keeps the state, "<" goes
back to the one before the question, "~" keeps it and marks a result that crossed the withdrawal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ASKER, ASKED, EITHER = "asker", "asked", "either"
Moves = dict[str, str]


def go(states: list[str], target: str) -> Moves:
    return dict.fromkeys(states, target)


@dataclass(frozen=True)
class Table:
    opening: str
    kinds: dict[str, tuple[str, Moves]]
    turn: dict[str, str]
    silence: dict[str, int | None]
    """State → days after which it closes by itself; None: on the day that the message names in `until`."""
    duties: dict[str, str] = field(default_factory=dict)
    needs: dict[str, list[str]] = field(default_factory=dict)
    """Kind → one of these has to be owed, by whomever."""
    ends: dict[str, list[str]] = field(default_factory=dict)
    """Kind → what nobody owes any longer after it."""
    lays: dict[str, dict[str, str]] = field(default_factory=dict)
    """Kind → what is owed after it whatever its act says, and by whom; a duty by its own debtor."""
    measures: dict[str, str] = field(default_factory=lambda: {"M1": "bank-data", "M2": "testimony", "M3": "covert"})

    def allowed(self, kind: str, role: str) -> bool:
        return self.kinds[kind][0] in (role, EITHER)


FREE = ("remind", "ask-status", "report-status", "ask-use-permission", "answer-use-permission")
AFTER_THE_END = ("ask-use-permission",)
"""UNTOC 18(19): what was given stays bound for ever, so the question may come years after."""
QUESTIONS = {"ask-use-permission": "use", "propose-appointment": "meeting", "send-items": "parcel"}
"""What the other side than the sender owes an answer to."""
ANSWERS = {"answer-use-permission": "use", "confirm-appointment": "meeting", "confirm-items": "parcel"}
"""Sent by the side that was asked, in reply to the very message that asked."""
OUTLIVES = ("use", "parcel")
"""Owed whether the measure is closed or not."""
ASKING = ("ask-information", "consult", "postpone")
NEW = ["submitted", "delivered"]
NEVER_CAME = {"resend": "submitted", "other-channel": "delivered"}
"""What the asker may do at once when what it submitted was not delivered, and nobody has said a word yet."""


def everywhere(states: list[str]) -> dict[str, tuple[str, Moves]]:
    """What every profile has for each open state: withdrawal, reminders, questions about the status."""
    return {
        "withdraw": (ASKER, go([state for state in states if state != "withdrawn"], "withdrawn")),
        "confirm-stopped": (ASKED, {"withdrawn": "closed"}),
        "remind": (EITHER, go([*states, "closed"], "=")),
        "ask-status": (ASKER, go(states, "=")),
        "report-status": (ASKED, go(states, "=")),
        "cannot-open": (ASKED, go(NEW, "undelivered")),
        "resend": (ASKER, {"undelivered": "submitted"}),
        "other-channel": (ASKER, {"undelivered": "delivered"}),
        "ask-use-permission": (EITHER, go([*states, "closed"], "=")),
        "answer-use-permission": (EITHER, go([*states, "closed"], "=")),
    }


REVIEW = [*NEW, "acknowledged", "under-review"]
WORK = ["accepted", "executing"]
ENDED = ["returned", "refused", "nothing-found", "not-executable"]
MLA_OPEN = [
    *("undelivered", *REVIEW, "information-requested", "consulting", "conditions-proposed", "postponed", *WORK),
    *("transfer-suspended", "withdrawn", "result-delivered", *ENDED),
]
AROUND_A_HEARING = ["interpreter", "bring-interpreter", "test-call"]
ABROAD = ["hand-over-detainee", "custody", "return-detainee", "safe-conduct"]
MLA_ENDING = ["return", "refuse", "deliver-result", "nothing-found", "not-executable", "close", "withdraw"]
MLA = Table(
    opening="request",
    kinds={
        **everywhere(MLA_OPEN),
        "acknowledge": (ASKED, go(NEW, "acknowledged")),
        "return": (ASKED, go(NEW, "returned")),
        "start-review": (ASKED, go([*NEW, "acknowledged"], "under-review")),
        "forward": (ASKED, go(REVIEW, "delivered")),
        "ask-information": (ASKED, go([*REVIEW, *WORK], "information-requested")),
        "supply-information": (ASKER, {"information-requested": "<"}),
        "consult": (ASKED, go([*REVIEW, *WORK], "consulting")),
        "consult-reply": (ASKER, {"consulting": "<"}),
        "accept": (ASKED, go(REVIEW, "accepted")),
        "propose-conditions": (ASKED, go(REVIEW, "conditions-proposed")),
        "propose-other-measure": (ASKED, go(REVIEW, "conditions-proposed")),
        "accept-conditions": (ASKER, {"conditions-proposed": "accepted"}),
        "decline-conditions": (ASKER, {"conditions-proposed": "under-review"}),
        "refuse": (ASKED, go([*REVIEW, *WORK, "transfer-suspended"], "refused")),
        "postpone": (ASKED, go([*REVIEW, *WORK], "postponed")),
        "resume": (ASKED, {"postponed": "<"}),
        "start-execution": (ASKED, {"accepted": "executing"}),
        "report-delay": (ASKED, go(["acknowledged", "under-review", *WORK], "=")),
        "suspend-transfer": (ASKED, go(WORK, "transfer-suspended")),
        "deliver-partial": (ASKED, {"accepted": "executing", "executing": "=", "withdrawn": "~"}),
        "deliver-result": (
            ASKED,
            {**go([*REVIEW, *WORK, "transfer-suspended"], "result-delivered"), "withdrawn": "~"},
        ),
        "nothing-found": (ASKED, {**go(WORK, "nothing-found"), "withdrawn": "~"}),
        "not-executable": (ASKED, {**go(WORK, "not-executable"), "withdrawn": "~"}),
        "confirm-receipt": (ASKER, {"result-delivered": "="}),
        "query-result": (ASKER, {"result-delivered": "executing"}),
        "close": (ASKER, go(["result-delivered", *ENDED], "closed")),
        "discharge": (EITHER, go([*MLA_OPEN, "closed"], "=")),
        "propose-appointment": (EITHER, go(WORK, "=")),
        "confirm-appointment": (EITHER, go(WORK, "=")),
        "cancel-appointment": (EITHER, go(MLA_OPEN, "=")),
        "report-appointment": (ASKED, go(MLA_OPEN, "=")),
        "arrange-transfer": (ASKED, go([*WORK, "result-delivered", "closed"], "=")),
        "confirm-arrival": (ASKER, go([*MLA_OPEN, "closed"], "=")),
        "confirm-return": (ASKED, go([*MLA_OPEN, "closed"], "=")),
        "send-items": (EITHER, go([*MLA_OPEN, "closed"], "=")),
        "confirm-items": (EITHER, go([*MLA_OPEN, "closed"], "=")),
    },
    turn={
        **go([*REVIEW, "postponed", *WORK, "transfer-suspended", "withdrawn"], ASKED),
        **go(["undelivered", "information-requested", "consulting", "conditions-proposed"], ASKER),
        **go(["result-delivered", *ENDED], ASKER),
    },
    silence={"result-delivered": 60, **dict.fromkeys(ENDED, 30)},
    duties={
        "hard-copy": ASKER,
        "written-confirmation": ASKER,
        "return-originals": ASKER,
        "return-items": ASKED,
        "costs": ASKER,
        "hand-over-detainee": ASKED,
        "custody": ASKER,
        "return-detainee": ASKER,
        "safe-conduct": ASKER,
        "interpreter": ASKED,
        "bring-interpreter": ASKER,
        "test-call": ASKED,
    },
    needs={
        "cancel-appointment": ["meeting", "hearing"],
        "report-appointment": ["hearing"],
        "confirm-arrival": ["hand-over-detainee"],
        "confirm-return": ["return-detainee"],
    },
    ends={
        "propose-appointment": ["meeting"],
        "confirm-appointment": ["hearing", *AROUND_A_HEARING],
        "cancel-appointment": ["meeting", "hearing", *AROUND_A_HEARING],
        "report-appointment": ["hearing", *AROUND_A_HEARING],
        "arrange-transfer": ABROAD,
        "confirm-arrival": ["hand-over-detainee"],
        "confirm-return": ["custody", "return-detainee", "safe-conduct"],
        **{kind: ["meeting", "hearing", *AROUND_A_HEARING] for kind in MLA_ENDING},
    },
    lays={"confirm-appointment": {"hearing": ASKED}, "arrange-transfer": dict.fromkeys(ABROAD, "")},
)

POLICE_HAND = [*NEW, "acknowledged"]
POLICE_ENDED = ["returned", "refused", "nothing-found"]
POLICE_OPEN = ["undelivered", *POLICE_HAND, "information-requested", "withdrawn", "result-delivered", *POLICE_ENDED]
POLICE = Table(
    opening="request",
    kinds={
        **everywhere(POLICE_OPEN),
        "acknowledge": (ASKED, go(NEW, "acknowledged")),
        "return": (ASKED, go(NEW, "returned")),
        "forward": (ASKED, go(POLICE_HAND, "delivered")),
        "ask-information": (ASKED, go(POLICE_HAND, "information-requested")),
        "supply-information": (ASKER, {"information-requested": "<"}),
        "report-delay": (ASKED, go(POLICE_HAND, "=")),
        "deliver-partial": (ASKED, {**go(NEW, "acknowledged"), "acknowledged": "=", "withdrawn": "~"}),
        "deliver-result": (ASKED, {**go(POLICE_HAND, "result-delivered"), "withdrawn": "~"}),
        "nothing-found": (ASKED, {**go(POLICE_HAND, "nothing-found"), "withdrawn": "~"}),
        "refuse": (ASKED, go(POLICE_HAND, "refused")),
        "query-result": (ASKER, {"result-delivered": "acknowledged"}),
        "close": (ASKER, go(["result-delivered", *POLICE_ENDED], "closed")),
    },
    turn={
        **go([*POLICE_HAND, "withdrawn"], ASKED),
        **go(["undelivered", "information-requested", "result-delivered", *POLICE_ENDED], ASKER),
    },
    silence={"result-delivered": 60, **dict.fromkeys(POLICE_ENDED, 30)},
    measures={"M1": "information", "M2": "criminal-record", "M3": "subscriber-data"},
)

KEPT = ["preserved", "extension-asked", "tied"]
KEEP_HAND = [*NEW, "acknowledged"]
KEEP_OPEN = ["undelivered", *KEEP_HAND, "information-requested", *KEPT, "withdrawn", *ENDED]
PRESERVATION = Table(
    opening="request",
    kinds={
        **everywhere(KEEP_OPEN),
        "acknowledge": (ASKED, go(NEW, "acknowledged")),
        "return": (ASKED, go(NEW, "returned")),
        "forward": (ASKED, go(KEEP_HAND, "delivered")),
        "ask-information": (ASKED, go(KEEP_HAND, "information-requested")),
        "supply-information": (ASKER, {"information-requested": "<"}),
        "preserve": (ASKED, go(KEEP_HAND, "preserved")),
        "nothing-found": (ASKED, go(KEEP_HAND, "nothing-found")),
        "not-executable": (ASKED, go(KEEP_HAND, "not-executable")),
        "refuse": (ASKED, go(KEEP_HAND, "refused")),
        "ask-extension": (ASKER, {"preserved": "extension-asked"}),
        "extend": (ASKED, {"extension-asked": "preserved"}),
        "tie-request": (ASKER, go(["preserved", "extension-asked"], "tied")),
        "report-risk": (ASKED, go(KEPT, "=")),
        "close": (ASKER, go([*KEPT, *ENDED], "closed")),
    },
    turn={
        **go([*KEEP_HAND, "extension-asked", "withdrawn"], ASKED),
        **go(["undelivered", "information-requested", "preserved", "tied", *ENDED], ASKER),
    },
    silence={"preserved": None, **dict.fromkeys(ENDED, 30)},
    measures={"M1": "preservation", "M2": "preservation"},
)

GIFT_OPEN = [
    *("undelivered", *NEW, "acknowledged", "information-requested", "conditions-accepted", "withdrawn", "provided"),
    "declined",
]
SPONTANEOUS = Table(
    opening="offer",
    kinds={
        **everywhere(GIFT_OPEN),
        "acknowledge": (ASKED, go(NEW, "acknowledged")),
        "ask-information": (ASKED, go([*NEW, "acknowledged"], "information-requested")),
        "supply-information": (ASKER, {"information-requested": "<"}),
        "accept-conditions": (ASKED, go([*NEW, "acknowledged"], "conditions-accepted")),
        "decline-conditions": (ASKED, go([*NEW, "acknowledged"], "declined")),
        "provide": (ASKER, {"conditions-accepted": "provided"}),
        "confirm-receipt": (ASKED, {"provided": "="}),
        "notify-disclosure": (ASKED, {"provided": "="}),
        "close": (EITHER, {"provided": "closed", "declined": "closed"}),
        "discharge": (EITHER, go([*GIFT_OPEN, "closed"], "=")),
    },
    turn={
        **go([*NEW, "acknowledged", "withdrawn", "provided"], ASKED),
        **go(["undelivered", "information-requested", "conditions-accepted", "declined"], ASKER),
    },
    silence={"provided": 30, "declined": 30},
    duties={"report-use": ASKED, "delete": ASKED},
    measures={"M1": "information", "M2": "asset-tracing"},
)

TABLES = {
    "mla-request": MLA,
    "police-request": POLICE,
    "preservation": PRESERVATION,
    "spontaneous": SPONTANEOUS,
}
