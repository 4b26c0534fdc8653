"""Writes docs/guide/states.md from the profile's data, so that page and code cannot differ.

Run it as `python docs/make_states.py`.
`states_page` is pure; a test compares its answer with the committed page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).parent / "guide" / "states.md"
sys.path.insert(0, str(PAGE.parent.parent.parent))

from shared.domain.clocks import CLOCKS, NO_LIMIT  # noqa: E402 - the checkout must be on the path first
from shared.domain.profile_format import BEFORE, STAY, ActField, Kind, Opens, Profile, State  # noqa: E402
from shared.domain.profile_mla_request import MLA_REQUEST  # noqa: E402

_HEAD = """# States of a measure: whose turn, by when

Made from the data of the profile by `python docs/make_states.py`; do not edit by hand.

Status lives on the measure (`M1`, `M2` …). A leg shows the least advanced state among its measures, a dossier the least
advanced among its legs. Days are counted from the event, the day of the event not included, to the end of the last day,
UTC. What is marked *policy* is a target of the exchange and never a limit of the law.
"""


def states_page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_HEAD, *_profile(MLA_REQUEST), *_clocks()]) + "\n"


def _profile(profile: Profile) -> Iterable[str]:
    yield f"## Profile `{profile.name}`"
    yield ""
    yield from _table(
        ("state", "whose turn", "what is owed", "by when", "moves"),
        ([*_state(state), _moves(profile, state)] for state in profile.states.values()),
    )
    yield "A state in *italics* is shown by facts of transport; the legal state is `submitted` until a party moves it."
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {profile.first_state}: request"
    yield from _arrows(profile)
    yield "    closed --> [*]"
    yield "```"
    yield ""
    yield "## Kinds of message"
    yield ""
    yield "A kind marked *free* changes no state: it needs not have seen the last message, and makes none stale."
    yield ""
    yield from _table(
        ("kind", "sent by", "`act`", "answers a message", "the body must hold", "opens", "closes"),
        (_kind(kind) for kind in profile.kinds.values()),
    )


def _state(state: State) -> list[str]:
    name = f"*{state.name}*" if state.by_transport else f"`{state.name}`"
    return [name, state.turn or "nobody", ", ".join(state.owes) or "—", state.by_when]


def _moves(profile: Profile, state: State) -> str:
    if state.by_transport:
        return f"those of `{profile.first_state}`"
    moves = []
    for kind in profile.kinds.values():
        target = kind.moves.get(state.name)
        if target is not None:
            moves.append(f"`{kind.name}`" + {STAY: "", BEFORE: " → the state before"}.get(target, f" → {target}"))
    return ", ".join(moves) or "—"


def _arrows(profile: Profile) -> Iterable[str]:
    for state in profile.states.values():
        if not state.by_transport:
            yield f'    state "{state.name}" as {_identifier(state.name)}'
    for kind in profile.kinds.values():
        for state_name, target in kind.moves.items():
            if target == BEFORE:
                yield from (_arrow(state_name, asked, kind) for asked in _left_by_questions(profile, state_name))
            elif target != STAY:
                yield _arrow(state_name, target, kind)


def _left_by_questions(profile: Profile, asked_in: str) -> Iterable[str]:
    """The states to which a measure in `asked_in` can return."""
    for kind in profile.kinds.values():
        if kind.remembers:
            yield from (state for state, target in kind.moves.items() if target == asked_in)


def _arrow(state: str, target: str, kind: Kind) -> str:
    return f"    {_identifier(state)} --> {_identifier(target)}: {kind.name}"


def _identifier(state: str) -> str:
    """Mermaid takes no hyphen in the identifier of a state."""
    return state.replace("-", "_")


def _kind(kind: Kind) -> list[str]:
    free = "" if kind.changes_state else " (*free*)"
    return [
        f"`{kind.name}`{free}",
        " or ".join(sorted(kind.senders)),
        "; ".join(_act_field(name, field) for name, field in kind.act.items()) or "empty",
        "yes" if kind.needs_in_reply_to else "no",
        "; ".join(_body_field(field.name, field.rule, field.when) for field in kind.body) or "—",
        "; ".join(_opens(rule) for rule in kind.opens) or "—",
        ", ".join(sorted(kind.closes)) or "—",
    ]


def _act_field(name: str, field: ActField) -> str:
    codes = f" of {', '.join(sorted(field.codes))}" if field.codes else ""
    return f"`{name}`: {field.type}{codes}{'' if field.required else ', optional'}"


def _body_field(name: str, rule: str, when: str) -> str:
    return f"`{name}` ({rule}{'' if when == 'always' else '; ' + when})"


def _opens(rule: Opens) -> str:
    dates = []
    if any(rule.owed in clock.limits for clock in CLOCKS.values()):
        dates.append("the law's limit")
    if rule.dated_by is not None:
        dates.append(f"the date in `{rule.dated_by}`")
    if rule.policy_days is not None:
        dates.append(f"{rule.policy_days} d (policy)")
    also = " and the requester's deadline" if rule.requesters_deadline else ""
    return f"{rule.owed} by {rule.debtor}: {', else '.join(dates)}{also}"


def _clocks() -> Iterable[str]:
    yield "## Limits of the law, by clock"
    yield ""
    rows = [
        [f"`{clock.name}`", owed, f"{limit.days} d", limit.source]
        for clock in CLOCKS.values()
        for owed, limit in clock.limits.items()
    ]
    yield from _table(("clock", "what is owed", "limit", "source"), rows)
    yield f"`{NO_LIMIT}`, the clock of every other instrument, has no limit."


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterable[str]:
    columns = list(head)
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(states_page(), encoding="utf-8")
