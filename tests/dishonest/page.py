"""`docs/spec/dishonest-operator.md`, made from what the campaign declares: `python -m tests.dishonest.page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.dishonest.campaign import TIMETABLE, Lie, all_lies
from tests.dishonest.declared import Inner, Listed, Seen
from tests.dishonest.rows import RowLie

PAGE: Final = Path(__file__).parents[2] / "docs" / "spec" / "dishonest-operator.md"
_INTRODUCTION: Final = """# The dishonest operator, played

Made by `python -m tests.dishonest.page` from what `make dishonest-operator` plays; do not edit.

`make dishonest-operator N=2000` gives the operator everything that it has: the whole database, every file, the log's
keys and those of all services, one operator's key, and in some lies a second one. It writes lies into copies of a real
exchange with a past, whose books it keeps in order: a leaf that is changed has its tree made and signed again, and real
witnesses are asked to cosign it. It changes what is handed over, too: copies of the ledger, proof bundles, receipts.
Then those look who look anyway, by their own commands' code: witnesses, `comity audit follow`, the parties' `inbox`,
`open`, `status`, `proof` and `send`, `comity audit verify`, `keys` and `replay`, and a court's `comity proof verify`.

A lie counts as detected when one of them says that something is wrong. The time to detection is that of this timetable,
by the clock of those who look; how often they look is theirs to decide.
"""
_UNDETECTABLE: Final = """## What cannot be detected, and why

From these lies nobody is protected by looking. They are played, too, and the campaign says when somebody saw one after
all: some forms of a lie are clumsier than others.
"""
_WITHOUT_EFFECT: Final = """## Without effect on what anybody is told

Not counted. Services work by these; what they then say is signed, and judged by itself. That they have no effect is
played as well: over the whole timetable every answer that anybody gets is, byte for byte, the one that the truth gives.
"""
_IDLE: Final = """Some of the lies that are detected change nothing where they meet certain rows. Then they are not
counted, and only if every answer is that of the truth:
"""


def undetectable() -> Iterator[str]:
    """One line for each reason, with the lies that it is about."""
    yield from _by_reason([lie for lie in all_lies() if isinstance(lie.worth, Listed)])


def text() -> str:
    """The whole page."""
    lies = all_lies()
    inner = _by_reason([lie for lie in lies if isinstance(lie.worth, Inner)])
    return "\n".join(
        [
            _INTRODUCTION,
            *_timetable(),
            "## What is detected\n",
            *_detected(lies),
            _UNDETECTABLE,
            *(f"- {line}" for line in undetectable()),
            "\nWhat follows for each actor stands in [threat-model.md](threat-model.md), section 4.\n",
            _WITHOUT_EFFECT,
            *(f"- {line}" for line in inner),
            "\n" + _IDLE,
            *_idle(lies),
            "",
        ]
    )


def _timetable() -> Iterator[str]:
    yield "| after | who looks |"
    yield "|---|---|"
    for passed, by, watcher in TIMETABLE:
        said = " ".join((watcher.__doc__ or "").split("\n\n")[0].split())
        yield f"| {passed} | {by}: {said} |"
    yield ""


def _detected(lies: list[Lie]) -> Iterator[str]:
    seen = [lie for lie in lies if isinstance(lie.worth, Seen)]
    rows = [lie.name for lie in seen if isinstance(lie, RowLie)]
    others = len(seen) - len(rows)
    yield f"{len(seen)} kinds of lies: {len(rows)} about rows, {others} about the ledger and in several acts."
    yield "Of a few the story has nothing to write on, as where one row is exchanged: a run names what it left out.\n"
    yield from (f"- {lie.name}" for lie in seen if lie.name not in rows)
    yield ""
    yield (
        "Rows and columns, in rows that somebody still has to read or is shown again: "
        + ", ".join(f"`{name}`" for name in rows)
        + ".\n"
    )


def _idle(lies: list[Lie]) -> Iterator[str]:
    for lie in lies:
        if isinstance(lie.worth, Seen) and lie.worth.idle:
            yield f"- `{lie.name}`: {lie.worth.idle}."


def _by_reason(lies: list[Lie]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for lie in lies:
        assert not isinstance(lie.worth, Seen)
        reasons.setdefault(lie.worth.why, []).append(lie.name)
    for why, names in reasons.items():
        yield f"{why[0].upper()}{why[1:]}: {', '.join(names)}."


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
    print(PAGE)
