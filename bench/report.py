"""From measured series to figures: the JSON that is kept, the table that is printed, and a plain line for each goal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.exchange import CLIENT, POSTGRES, RABBITMQ, Costs
from bench.figures import Goal, Spread, at_least, at_most, paired_ratio, spread
from bench.machine import describe
from bench.pipeline import Measured, Sizes

RATIOS: Final[Mapping[str, tuple[str, str, str, Goal]]] = {
    "chain": ("saturated, against the bare chain of 3 hops", "saturated.comity", "saturated.chain", at_least(1.0)),
    "faststream": (
        "saturated, against FastStream's 2 plain hops",
        "saturated.comity",
        "saturated.faststream",
        at_least(1.0),
    ),
    "p50": ("p50 at 20 % of capacity, against the serial chain's p50", "paced.comity", "paced.chain", at_most(5.0)),
    "p99": (
        "p99 at 20 % of capacity, against the serial chain's p50",
        "paced.posted_to_feed_s.p99",
        "paced.chain",
        at_most(12.0),
    ),
}
"""Name → what it says, the series above and below the line, its goal."""


@dataclass(frozen=True)
class Report:
    document: dict[str, Any]
    table: str
    verdicts: list[str]


def pipeline_report(sizes: Sizes, measured: Measured) -> Report:
    figures: dict[str, Any] = {}
    verdicts = []
    for name, (says, ours, theirs, goal) in RATIOS.items():
        if ours not in measured.series or theirs not in measured.series:
            verdicts.append(f"{says}: not measured ({measured.why_not.get(name, 'left out')}); goal {goal} ×")
            continue
        ratio = paired_ratio(measured.series[ours], measured.series[theirs])
        figures[name] = _figure(says, ratio, goal)
        verdicts.append(_verdict(says, ratio, goal))
    stages = stage_costs(measured.costs)
    document: dict[str, Any] = {
        "what": "pipeline",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "seed": sizes.seed,
        "rounds": sizes.rounds,
        "seconds": sizes.seconds,
        "series": measured.series,
        "figures": figures,
        "stages": stages,
        "noise": measured.spins,
        "absent": measured.why_not,
        "done_again": measured.repeated_rounds,
    }
    return Report(document, _table(measured, stages), verdicts)


def stage_costs(costs: Sequence[Costs]) -> dict[str, dict[str, float]]:
    """Process → milliseconds of CPU per delivered message: its own, and its backends' in the database; medians."""
    return {
        name: {
            "cpu_ms": median(1000 * one.cpu_s[name] / one.messages for one in costs),
            "database_ms": median(1000 * one.database_cpu_s.get(name, 0.0) / one.messages for one in costs),
        }
        for name in (costs[0].cpu_s if costs else ())
    }


def write_report(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.document, indent=1, ensure_ascii=False) + "\n")
    print(f"wrote {path}")


def _figure(says: str, ratio: Spread, goal: Goal) -> dict[str, Any]:
    reached = goal.is_reached(ratio.median)
    return {
        "says": says,
        "median": ratio.median,
        "low": ratio.low,
        "high": ratio.high,
        "goal": str(goal),
        "ok": reached,
    }


def _verdict(says: str, ratio: Spread, goal: Goal) -> str:
    told = "reached" if goal.is_reached(ratio.median) else "not reached"
    return f"{says}: {ratio.median:.3g} × ({ratio.low:.3g} to {ratio.high:.3g}), goal {goal} ×: {told}"


def _table(measured: Measured, stages: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["", f"{'series':<36}{'median':>10}{'lowest':>10}{'highest':>10}  rounds"]
    for name, values in measured.series.items():
        told = spread(values)
        lines.append(f"{name:<36}{told.median:>10.4g}{told.low:>10.4g}{told.high:>10.4g}  {told.rounds}")
    lines += ["", f"{'milliseconds of CPU a message':<36}{'process':>10}{'database':>10}"]
    for name, one in stages.items():
        lines.append(f"{name:<36}{one['cpu_ms']:>10.3f}{one['database_ms']:>10.3f}")
    whole = sum(one["cpu_ms"] for name, one in stages.items() if name != CLIENT)
    lines.append(f"{'all but the load generator':<36}{whole:>10.3f}   (with {POSTGRES} and {RABBITMQ})")
    return "\n".join(lines) + "\n"
