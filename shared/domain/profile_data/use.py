"""Rows on the use of what was given: a permission is asked for each purpose, and answered for each.

Sources: UNTOC 18(19), UNCAC 46(19): not used for other purposes, nor passed on, without the consent of the party that
gave it. Either side may ask, at any time and after the closure too, since files are read again years later. The other
side answers each question; what it permits stays permitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.domain.catalogue import POLICE_HANDLING, PURPOSES
from shared.domain.profile_data.fragments import APPROVALS, BOTH, anywhere
from shared.domain.profile_format import ActField, BodyField, Condition, FieldType, Kind, Opens

USE_DAYS = 30
USE_OWED: Mapping[str, str] = {"answer-use": "answer on the use"}
RESTRICTIONS = BodyField("restrictions", POLICE_HANDLING["h3"], "Europol's handling codes (k)", Condition.if_restricted)

_CODES = frozenset(PURPOSES)
_TO = ActField(FieldType.authority, False, "to whom it may be passed on, for these purposes; else the asker alone")


def use_kinds(open_: Iterable[str]) -> tuple[Kind, Kind]:
    """`open_` are the profile's open states. Both kinds cross anything: they concern what was given, and no move."""
    everywhere = anywhere(open_)
    return (
        Kind(
            "ask-use-permission",
            "Question whether something may be used for other purposes, or passed on",
            BOTH,
            everywhere,
            act={
                "purposes": ActField(FieldType.codes, True, "for what it is to be used", _CODES),
                "to": _TO,
                "due": ActField(FieldType.date, False, "by when the answer is asked for"),
                "approvals": APPROVALS,
            },
            body=(BodyField("use", "What is to be used, how and why", "UNTOC 18(19), UNCAC 46(19)"),),
            changes_state=False,
            opens=(Opens(None, "answer-use", USE_DAYS, dated_by="due"),),
            after_closure=True,
        ),
        Kind(
            "answer-use-permission",
            "Answer on the use, purpose by purpose",
            BOTH,
            everywhere,
            act={
                "granted": ActField(FieldType.codes, False, "what is permitted", _CODES),
                "declined": ActField(FieldType.codes, False, "what is not permitted", _CODES),
                "to": _TO,
                "approvals": APPROVALS,
            },
            changes_state=False,
            needs_in_reply_to=True,
            settles=frozenset({"answer-use"}),
            permits=True,
        ),
    )
