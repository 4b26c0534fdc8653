"""`mla-request`: what is handed over in person: a detained person for a time, and physical items.

Sources: UNTOC 18(10) to (12), UNCAC 46(10) to (12) for detained persons; practice (k) for items. Numbers of bags stand
in the header as codes; seals, descriptions and names are sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.domain.catalogue import CONDITION
from shared.domain.profile_data.fragments import APPROVALS, BOTH, REQUESTED, REQUESTING, SENT_BY, anywhere
from shared.domain.profile_data.mla_execution import WORKING
from shared.domain.profile_format import ActField, BodyField, Duty, FieldType, Kind, Opens, Side

ITEM_DAYS = 30
MOST_ITEMS = 999
ITEM_OWED: Mapping[str, str] = {"receive-items": "receipt of items"}
DETAINEE_DUTIES: Mapping[str, Duty] = {
    "hand-over-detainee": Duty(Side.requested, "handing over of the detained person", "UNTOC 18(10), UNCAC 46(10)"),
    "custody": Duty(Side.requesting, "custody of the detained person", "UNTOC 18(11)(a), UNCAC 46(11)(a)"),
    "return-detainee": Duty(Side.requesting, "return of the detained person", "UNTOC 18(11), UNCAC 46(11)"),
    "safe-conduct": Duty(Side.requesting, "safe conduct", "UNTOC 18(12) and (27), UNCAC 46(12) and (27)"),
}
ITEM_DUTIES: Mapping[str, Duty] = {
    "return-originals": Duty(Side.requesting, "return of originals", "practice (k)"),
    "return-items": Duty(Side.requested, "return of items that were lent", "practice (k)"),
}
_CONSENT = "UNTOC 18(10)(a), UNCAC 46(10)(a)"


def detainee_kinds(open_: Iterable[str]) -> tuple[Kind, ...]:
    """A transfer in force is arranged anew by sending it again: the new dates take the place of the old ones. Whoever
    gets the person says so, whatever the measure has become meanwhile."""
    everywhere = anywhere(open_)
    return (
        Kind(
            "arrange-transfer",
            "Arrangement for the temporary transfer of a detained person",
            REQUESTED,
            anywhere((*WORKING, "result-delivered")),
            act={
                "consent": ActField(FieldType.date, True, "the day on which the person consented", is_past=True),
                "hand-over": ActField(FieldType.date, True, "when the person is handed over", not_before=("consent",)),
                "return": ActField(FieldType.date, True, "by when the person is returned", not_before=("hand-over",)),
                "safe-conduct": ActField(
                    FieldType.date, True, "until when nothing older is held against the person", not_before=("return",)
                ),
                "approvals": APPROVALS,
            },
            body=(
                BodyField("consent", "How and before whom the person consented, freely and informed", _CONSENT),
                BodyField(
                    "custody", "The conditions of custody, and that its time counts", "UNTOC 18(11), UNCAC 46(11)"
                ),
            ),
            opens=(
                Opens(Side.requested, "hand-over-detainee", dated_by="hand-over"),
                Opens(Side.requesting, "custody", dated_by="return"),
                Opens(Side.requesting, "return-detainee", dated_by="return"),
                Opens(Side.requesting, "safe-conduct", dated_by="safe-conduct"),
            ),
            closes=frozenset(DETAINEE_DUTIES),
        ),
        Kind(
            "confirm-arrival",
            "Confirmation that the detained person arrived",
            REQUESTING,
            everywhere,
            act={"arrived": ActField(FieldType.date, True, "on which day", is_past=True)},
            needs_owed=frozenset({"hand-over-detainee"}),
            closes=frozenset({"hand-over-detainee"}),
        ),
        Kind(
            "confirm-return",
            "Confirmation that the detained person is back",
            REQUESTED,
            everywhere,
            act={"returned": ActField(FieldType.date, True, "on which day", is_past=True)},
            needs_owed=frozenset({"return-detainee"}),
            after=frozenset({"hand-over-detainee"}),
            closes=frozenset({"custody", "return-detainee", "safe-conduct"}),
        ),
    )


def item_kinds(open_: Iterable[str]) -> tuple[Kind, Kind]:
    """Either side sends, also what it returns after the closure; whoever gets it says in which condition."""
    everywhere = anywhere(open_)
    return (
        Kind(
            "send-items",
            "Physical items were sent",
            BOTH,
            everywhere,
            act={
                **SENT_BY,
                "count": ActField(FieldType.integer, True, "how many items", at_most=MOST_ITEMS),
                "expected": ActField(FieldType.date, False, "when they should be there", not_before=("sent",)),
                "duties": ActField(
                    FieldType.duties, False, "what is to be returned, and by when", frozenset(ITEM_DUTIES)
                ),
            },
            body=(BodyField("items", "The items, each with its seal and bag", "practice (k)"),),
            opens=(Opens(None, "receive-items", ITEM_DAYS, dated_by="expected"),),
        ),
        Kind(
            "confirm-items",
            "Receipt for physical items",
            BOTH,
            everywhere,
            act={
                "condition": ActField(FieldType.code, True, "in which condition they came", frozenset(CONDITION)),
                "received": ActField(FieldType.date, True, "on which day", is_past=True),
                "count": ActField(FieldType.integer, True, "how many came", at_most=MOST_ITEMS),
            },
            needs_in_reply_to=True,
            settles=frozenset({"receive-items"}),
        ),
    )
