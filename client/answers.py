"""An answer and the message that it answers: which one it is, and whether the two fit.

Rules:
1. What settles something answers the one message that waits for it; where several do, the sender names one.
2. It speaks of the measures of that message, and repeats its day and to whom something is passed on.
3. Each purpose that was asked for is permitted or declined, none twice, and none that nobody asked for.
4. A parcel of which less came than was announced did not come whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from client.composition import ReplyWish
from client.register_rows import Kept
from shared.domain.header import parse_header
from shared.domain.leg import Leg
from shared.domain.profile_format import Kind
from shared.domain.profiles import kind_of
from shared.errors import ActMalformed, HeaderInconsistent

_REPEATED: Final = ("on", "to")
_WHOLE: Final = ("intact", "seal-broken")


def answering(
    leg: Leg, wish: ReplyWish, sender: str, in_reply_to: str | None, messages: Iterable[Kept]
) -> tuple[ReplyWish, str | None]:
    """The wish and the message answered, completed by what waits for such an answer. Raises HeaderInconsistent,
    ActMalformed."""
    kind = kind_of(leg.profile, wish.kind)
    if not kind.settles:
        return wish, in_reply_to
    side = leg.side_of(sender)
    waiting: dict[str, set[str]] = {}
    for one in leg.obligations:
        if one.act in kind.settles and leg.side_of(one.debtor) is side:
            waiting.setdefault(one.opened_by, set()).update(one.measures)
    asked = in_reply_to or next(iter(waiting), None)
    if in_reply_to is None and len(waiting) > 1:
        raise HeaderInconsistent(why=f"{', '.join(waiting)} wait for this answer each; name one: --in-reply-to ID")
    if asked not in waiting:
        return wish, asked  # nothing waits for it: the profile says so
    measures = wish.measures or tuple(sorted(waiting[asked], key=lambda name: int(name[1:])))
    kept = next((one for one in messages if one.message == asked), None)
    question: Mapping[str, Any] = {} if kept is None else parse_header(kept.header).act
    repeated = {name: question[name] for name in _REPEATED if name in kind.act and name in question}
    act = {**repeated, **wish.act}
    _check(kind, act, question)
    return replace(wish, act=act, measures=measures), asked


def _check(kind: Kind, act: Mapping[str, Any], question: Mapping[str, Any]) -> None:
    for name in _REPEATED:
        if name in kind.act and act.get(name) != question.get(name):
            raise ActMalformed(kind=kind.name, why=f"{name} is {act.get(name)}, and was {question.get(name)}")
    if "purposes" in question:
        said = [*act.get("granted", ()), *act.get("declined", ())]
        if sorted(said) != sorted(question["purposes"]):
            asked = ", ".join(question["purposes"])
            raise ActMalformed(kind=kind.name, why=f"each of {asked} is granted or declined once, and nothing else")
    if act.get("condition") in _WHOLE and act.get("count") != question.get("count"):
        announced = question.get("count")
        raise ActMalformed(kind=kind.name, why=f"{announced} items were announced: say that it is incomplete")
