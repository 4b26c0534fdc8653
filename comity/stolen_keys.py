"""Own keys that were declared to be in other hands: told by every command that speaks with the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from comity.output import console, local_time, say
from comity.words import _
from shared.domain.ids import encode_time
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.stolen_keys import DeclaredStolen

_DECLARED: Final = mark(
    "The operators signed at {at} that your keys {uses} are in other hands since {since} (key event {event})."
)
_IN_USE: Final = mark(
    "What they signed since then is refused by everybody, and nothing new is accepted under them. Call the operators at"
    " a number that you know from before, whoever told them so; then: comity keys rotate --for-recovery"
)
_RENEWED: Final = mark(
    "You had renewed them before. What they signed since then is refused by everybody: send it again, and ask the"
    " operators who told them so, if it was not you."
)


def tell_stolen(declared: Sequence[DeclaredStolen]) -> None:
    """On standard error, before the command goes on: whoever reads the result, a program too, finds that unchanged."""
    for one in declared:
        about = stolen_document(one)
        said = _(
            _DECLARED,
            at=local_time(about["at"]),
            uses=", ".join(about["uses"]),
            since=local_time(about["since"]),
            event=about["event"],
        )
        say(console(stderr=True), f"{_('STOLEN')}  {said} {_(_IN_USE if one.in_use else _RENEWED)}", style="bold red")


def stolen_document(one: DeclaredStolen) -> dict[str, Any]:
    return {
        "event": one.seq,
        "at": encode_time(one.at),
        "since": encode_time(one.since),
        "uses": list(one.uses),
        "in_use": one.in_use,
    }
