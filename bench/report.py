"""From measured series to figures: the JSON that is kept, the table that is printed, and a plain line for each goal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.crypto import operation_times, stage_times
from bench.exchange import CLIENT, Costs
from bench.figures import Goal, Spread, at_least, at_most, paired_ratio, spread
from bench.machine import describe
from bench.turns import Measured, Sizes


@dataclass(frozen=True)
class Ratio:
    """Two series, one over the other, and what that must reach. `peer` is who is missing if a series is."""

    says: str
    above: str
    below: str
    goal: Goal
    peer: str
    first: Goal | None = None
    """A nearer goal on the way to it."""


RATIOS: Final[Mapping[str, Ratio]] = {
    "chain": Ratio(
        "saturated, against the bare chain of 3 hops",
        "saturated.comity",
        "saturated.chain",
        at_least(1.0),
        "chain",
        first=at_least(0.5),
    ),
    "faststream": Ratio(
        "saturated, against FastStream's 2 plain hops",
        "saturated.comity",
        "saturated.faststream",
        at_least(1.0),
        "faststream",
    ),
    "as2": Ratio("saturated, against AS2 at 1 KB", "saturated.comity", "saturated.as2", at_least(25), "as2"),
    "as2_100k": Ratio(
        "saturated, against AS2 at 100 KB", "saturated.comity_100k", "saturated.as2_100k", at_least(15), "as2"
    ),
    "p50": Ratio(
        "p50 at 20 % of capacity, against the serial chain's p50",
        "paced.comity_p50",
        "paced.chain_p50",
        at_most(5),
        "paced",
    ),
    "p99": Ratio(
        "p99 at 20 % of capacity, against the serial chain's p50",
        "paced.comity_p99",
        "paced.chain_p50",
        at_most(12),
        "paced",
    ),
    "accept": Ratio(
        "accept path, against a bare FastAPI POST", "accept.comity", "accept.fastapi", at_least(0.25), "accept"
    ),
    "overload": Ratio(
        "overload ×5: admitted, against delivered", "overload.admitted", "overload.delivered", at_most(1.2), "overload"
    ),
}
ZEROES: Final = {
    "overload.without_retry_after": "overload ×5: refusals without Retry-After",
    "overload.lost": "overload ×5: accepted and lost",
}
COMMITS: Final = at_most(0.1)


@dataclass(frozen=True)
class Report:
    document: dict[str, Any]
    table: str
    verdicts: list[str]


def pipeline_report(sizes: Sizes, measured: Measured) -> Report:
    figures: dict[str, Any] = {}
    verdicts: list[str] = []
    series = measured.series
    for name, one in RATIOS.items():
        if one.above in series and one.below in series:
            ratio = paired_ratio(series[one.above], series[one.below])
            figures[name] = figure_of(one, ratio)
            verdicts.append(verdict_of(one, ratio))
        else:
            why = measured.why_not.get(one.peer, "left out")
            figures[name] = {"says": one.says, "goal": f"{one.goal} ×", "absent": why}
            verdicts.append(f"{one.says}: not measured ({why}), goal {one.goal} ×")
    for name, says in ZEROES.items():
        if name in series:
            worst = max(series[name])
            verdicts.append(f"{says}: {worst:g}, goal 0: {'reached' if worst == 0 else 'not reached'}")
    stages = stage_costs(measured.costs)
    commits = commits_per_message(measured.costs)
    for role, per_message in commits.items():
        told = "reached" if COMMITS.is_reached(per_message) else "not reached"
        verdicts.append(f"commits a message, {role}: {per_message:.3g}, goal {COMMITS}: {told}")
    document: dict[str, Any] = {
        "what": "pipeline",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "seed": sizes.seed,
        "rounds": sizes.rounds,
        "seconds": sizes.seconds,
        "figures": figures,
        "verdicts": verdicts,
        "series": series,
        "stages": stages,
        "idle_cpu": measured.idle_cpu,
        "elapsed_ms": {leg: 1000 * median(spent) for leg, spent in measured.elapsed_s.items()},
        "crypto_operations_ms": operation_times(),
        "commits_per_message": commits,
        "wal_syncs_per_message": _median_of(measured.costs, lambda one: one.statements.wal_syncs / one.messages),
        "costs": [asdict(one) for one in measured.costs],
        "noise": measured.noise,
        "absent": measured.why_not,
        "done_again": measured.done_again,
    }
    for stage, spent in stage_times(document["crypto_operations_ms"]).items():
        for name in stages:
            if name.rpartition("-")[0] == stage:
                stages[name]["crypto_ms"] = spent
    return Report(document, _table(series, stages, document["elapsed_ms"], measured.idle_cpu), verdicts)


def stage_costs(costs: Sequence[Costs]) -> dict[str, dict[str, float]]:
    """Process → milliseconds of CPU per delivered message: its own, and its backends' in the database; medians."""
    return {
        name: {
            "cpu_ms": median(1000 * one.cpu_s[name] / one.messages for one in costs),
            "database_ms": median(1000 * one.database_cpu_s.get(name, 0.0) / one.messages for one in costs),
        }
        for name in (costs[0].cpu_s if costs else ())
    }


def commits_per_message(costs: Sequence[Costs]) -> dict[str, float]:
    """Database role → committed transactions per delivered message, those that only read included."""
    roles = sorted({role for one in costs for role, count in one.statements.commits.items() if count})
    return {role: median(one.statements.commits.get(role, 0) / one.messages for one in costs) for role in roles}


def write_report(document: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"wrote {path}")


def _median_of(costs: Sequence[Costs], value: Any) -> float | None:
    return median(value(one) for one in costs) if costs else None


def figure_of(one: Ratio, ratio: Spread) -> dict[str, Any]:
    return {
        "says": one.says,
        "median": ratio.median,
        "low": ratio.low,
        "high": ratio.high,
        "goal": f"{one.goal} ×" + (f" (first {one.first} ×)" if one.first else ""),
        "reached": _told(one, ratio.median),
    }


def verdict_of(one: Ratio, ratio: Spread) -> str:
    spread_told = f"{ratio.median:.3g} × ({ratio.low:.3g} to {ratio.high:.3g})"
    return f"{one.says}: {spread_told}, goal {one.goal} ×: {_told(one, ratio.median)}"


def _told(one: Ratio, value: float) -> str:
    if one.goal.is_reached(value):
        return "reached"
    if one.first is not None and one.first.is_reached(value):
        return f"not reached, the first goal {one.first} × is"
    return "not reached"


def _table(
    series: Mapping[str, Sequence[float]],
    stages: Mapping[str, Mapping[str, float]],
    elapsed_ms: Mapping[str, float],
    idle_cpu: Mapping[str, float],
) -> str:
    lines = ["", f"{'series':<32}{'median':>10}{'lowest':>10}{'highest':>10}  rounds"]
    for name, values in series.items():
        told = spread(values)
        lines.append(f"{name:<32}{told.median:>10.4g}{told.low:>10.4g}{told.high:>10.4g}  {told.rounds}")
    lines += ["", f"{'ms of CPU a message':<32}{'process':>10}{'of it crypto':>14}{'database':>10}"]
    for name, one in stages.items():
        crypto = f"{one['crypto_ms']:.3f}" if "crypto_ms" in one else ""
        lines.append(f"{name:<32}{one['cpu_ms']:>10.3f}{crypto:>14}{one['database_ms']:>10.3f}")
    whole = sum(one["cpu_ms"] for name, one in stages.items() if name != CLIENT)
    lines.append(f"{'all but the load generator':<32}{whole:>10.3f}")
    if idle_cpu:
        lines.append(f"idle, ours takes {sum(idle_cpu.values()):.1%} of one core, in its peers' turns too")
    if elapsed_ms:
        lines += ["", "ms of the way of a paced message, medians"]
        lines += [f"{leg:<42}{spent:>10.2f}" for leg, spent in elapsed_ms.items()]
    return "\n".join(lines) + "\n"
