"""Writes docs/guide/states.md and a picture of each profile from the profiles' data, so that page and code cannot
differ.

Run it as `python docs/make_states.py`.
`states_files` is pure; a test compares its answer with the committed files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

GUIDE = Path(__file__).parent / "guide"
sys.path.insert(0, str(GUIDE.parent.parent))

from docs.states_diagram import states_svg  # noqa: E402
from shared.domain.clocks import CLOCKS, NO_LIMIT, Limit  # noqa: E402 - the checkout must be on the path first
from shared.domain.profile_format import (  # noqa: E402
    BEFORE,
    LATE,
    STAY,
    ActField,
    Kind,
    Opens,
    Profile,
    State,
)
from shared.domain.profiles import PROFILES  # noqa: E402

_HEAD = """# States of a measure: whose turn, by when

Made from the data of the profiles by `python docs/make_states.py`; do not edit by hand.

Status lives on the measure (`M1`, `M2` …). A leg shows the least advanced state among its measures, a dossier the least
advanced among its legs. Days are counted from the event, the day of the event not included, to the end of the last day,
UTC; hours from the event itself. What is marked *policy* is a target of the exchange and never a limit of the law.

A state in *italics* is shown by facts of transport; the legal state is `submitted` until a party moves it. So is
`undelivered` as long as no party said so: while the evidences say that the request was not delivered, the moves of both
states are possible.

Where the last column of a state says *silence*, the measure closes by itself when the last date of what it waits for
has passed, and the closure is dated at that moment. A closed measure takes a message only while something is still owed
on it.

A kind marked *free* changes no state: it needs not have seen the last message, and makes none stale.
"""


def states_files() -> dict[str, str]:
    """File name → text: the page in Markdown, and an SVG for each profile."""
    sections = [line for profile in PROFILES.values() for line in _profile(profile)]
    pictures = {f"states-{profile.name}.svg": states_svg(profile) for profile in PROFILES.values()}
    return {"states.md": "\n".join([_HEAD, *sections, *_clocks()]) + "\n", **pictures}


def _profile(profile: Profile) -> Iterable[str]:
    yield f"## Profile `{profile.name}`"
    yield ""
    yield f"{profile.title}, to {'one or several parties' if profile.several_recipients else 'one party'}."
    yield f"Handling codes: {', '.join(f'`{code}`' for code in sorted(profile.handling))}."
    if profile.measures:
        yield f"Measures: {', '.join(f'`{code}`' for code in sorted(profile.measures))} only."
    yield ""
    yield f"![The states of {profile.name} and the moves between them](states-{profile.name}.svg)"
    yield ""
    yield from _table(
        ("state", "whose turn", "what is owed", "by when", "moves"),
        ([*_state(state), _moves(profile, state)] for state in profile.states.values()),
    )
    yield from _table(
        ("kind", "what it is", "sent by", "`act`", "answers a message", "the body must hold", "opens", "closes"),
        (_kind(kind) for kind in profile.kinds.values()),
    )
    if profile.duties:
        yield "Duties, each by the date that the act gives it, until its debtor sends `discharge`:"
        yield ""
        yield from _table(
            ("duty", "what it is", "owed by", "rule"),
            ([f"`{code}`", duty.label, f"{duty.debtor} side", duty.rule] for code, duty in profile.duties.items()),
        )


def _state(state: State) -> list[str]:
    name = f"*{state.name}*" if state.by_transport else f"`{state.name}`"
    silence = f"; *silence* on {state.silence}" if state.silence else ""
    return [name, state.turn or "nobody", ", ".join(state.owes) or "—", state.by_when + silence]


_TARGETS = {STAY: "", BEFORE: " → the state before", LATE: ", marked late"}


def _moves(profile: Profile, state: State) -> str:
    if state.by_transport:
        return f"those of `{profile.first_state}`"
    instead = [
        _listed(profile, one.name, state.name) for one in profile.states.values() if one.instead_of == state.name
    ]
    also = "".join(f"; while it was not delivered also {moves}" for moves in instead)
    return (_listed(profile, state.name) or "—") + also


def _listed(profile: Profile, state: str, but_of: str | None = None) -> str:
    """The moves from a state, but for the kinds that are possible in the other as well."""
    moves = []
    for kind in profile.kinds.values():
        target = kind.moves.get(state)
        if target is not None and but_of not in kind.moves:
            moves.append(f"`{kind.name}`" + _TARGETS.get(target, f" → {target}"))
    return ", ".join(moves)


def _kind(kind: Kind) -> list[str]:
    free = "" if kind.changes_state else " (*free*)"
    return [
        f"`{kind.name}`{free}",
        kind.label,
        " or ".join(sorted(kind.senders)),
        "; ".join(_act_field(name, field) for name, field in kind.act.items()) or "empty",
        "yes" if kind.needs_in_reply_to else "no",
        "; ".join(_body_field(field.name, field.rule, field.when) for field in kind.body) or "—",
        "; ".join(_opens(rule) for rule in kind.opens) or "—",
        ", ".join([*sorted(kind.closes), *(f"{owed} of the message answered" for owed in sorted(kind.settles))]) or "—",
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
    dates += [f"{one.hours} h {one.when} (policy)" for one in rule.sooner]
    if rule.policy_days is not None:
        dates.append(f"{rule.policy_days} d (policy)")
    also = " and the requester's deadline" if rule.requesters_deadline else ""
    return f"{rule.owed} by {rule.debtor or 'the other side'}: {', else '.join(dates)}{also}"


def _clocks() -> Iterable[str]:
    yield "## Limits of the law, by clock"
    yield ""
    rows = [
        [f"`{clock.name}`", owed, _limit(limit), limit.source, ", ".join(sorted(clock.suspended_by)) or "nothing"]
        for clock in CLOCKS.values()
        for owed, limit in clock.limits.items()
    ]
    yield from _table(("clock", "what is owed", "limit", "source", "suspended by"), rows)
    yield f"`{NO_LIMIT}`, the clock of every other instrument, has no limit."


def _limit(limit: Limit) -> str:
    return ", ".join([*(f"{one.hours} h {one.when}" for one in limit.sooner), f"{limit.days} d"])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterable[str]:
    columns = list(head)
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


if __name__ == "__main__":
    for name, text in states_files().items():
        (GUIDE / name).write_text(text, encoding="utf-8")
