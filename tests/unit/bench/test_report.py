"""What is told of a run: each goal by the numbers, each absent peer with its reason, each cost by the message."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import page
from bench.exchange import CLIENT, Costs
from bench.report import commits_per_message, pipeline_report, stage_costs, write_report
from bench.statements import Statements
from bench.turns import Measured, Sizes, Turns

SIZES = Sizes(2, 1.0, 7, Path("run"), Path("environments"))


def costs(messages: int, commits: Mapping[str, int]) -> Costs:
    cpu_s = {"gateway-1": 0.5, "intake-1": 0.3, "PostgreSQL": 0.2, CLIENT: 0.1}
    return Costs(messages, cpu_s, {"gateway-1": 0.05, "upkeep": 0.01}, Statements(commits, {}, {}, 20))


def measured() -> Measured:
    series = {
        "saturated.comity": [100.0, 60.0],
        "saturated.chain": [200.0, 100.0],
        "paced.comity_p50": [0.010, 0.012],
        "paced.comity_p99": [0.020, 0.024],
        "paced.chain_p50": [0.003, 0.003],
        "overload.admitted": [50.0, 50.0],
        "overload.delivered": [50.0, 49.0],
        "overload.without_retry_after": [0.0, 1.0],
    }
    noise = [{"part": "saturated", "round": 1, "who": "comity", "spin_before": 900.0, "spin_after": 800.0, "load": 2.0}]
    counted = [costs(1000, {"comity_intake": 90}), costs(1000, {"comity_intake": 110})]
    why_not = {"as2": "its environment could not be made: no wheel"}
    idle = {"gateway-1": 0.01, "PostgreSQL": 0.02}
    return Measured(series, noise, counted, idle, {"posted → intake judges": [0.004, 0.006]}, why_not)


def test_each_goal_is_judged_by_the_median_of_its_pairs() -> None:
    report = pipeline_report(SIZES, measured())
    assert report.document["figures"]["chain"]["median"] == pytest.approx(0.55)
    assert report.document["figures"]["chain"]["reached"] == "not reached, the first goal ≥ 0.5 × is"
    assert report.document["figures"]["p50"]["reached"] == "reached"
    assert report.document["figures"]["overload"]["reached"] == "reached"
    assert any(line.startswith("saturated, against the bare chain of 3 hops: 0.55 ×") for line in report.verdicts)


def test_an_absent_peer_is_named_with_its_reason() -> None:
    report = pipeline_report(SIZES, measured())
    assert "absent" in report.document["figures"]["as2"]
    assert any(
        "AS2 at 1 KB: not measured (its environment could not be made: no wheel)" in one for one in report.verdicts
    )


def test_a_single_rude_refusal_misses_its_goal() -> None:
    report = pipeline_report(SIZES, measured())
    assert "overload ×5: refusals without Retry-After: 1, goal 0: not reached" in report.verdicts


def test_costs_are_told_by_the_message() -> None:
    stages = stage_costs([costs(1000, {})])
    assert stages["gateway-1"] == {"cpu_ms": pytest.approx(0.5), "database_ms": pytest.approx(0.05)}
    assert commits_per_message(measured().costs) == {"comity_intake": pytest.approx(0.1)}


def test_the_page_and_its_plots_say_what_the_results_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(page, "PLOTS", tmp_path / "performance")
    write_report(pipeline_report(SIZES, measured()).document, tmp_path / "pipeline.json")
    samples = [[float(t), 5e7 + t] for t in range(20)]
    memory = {"at": "now", "seconds": 20.0, "messages_per_second": 80.0, "verdicts": ["memory of gateway-1: +0.0%"]}
    (tmp_path / "memory.json").write_text(json.dumps({**memory, "samples": {"gateway-1": samples}}))
    page.write_page(tmp_path)
    text = (tmp_path / "performance.md").read_text()
    assert "| saturated, against the bare chain of 3 hops | 0.55 × | 0.5, 0.6 | ≥ 1 × (first ≥ 0.5 ×) | **not" in text
    assert "memory of gateway-1: +0.0%" in text
    assert "all of ours take 3.0% of one core" in text
    assert "| posted → intake judges | 5.00 |" in text
    plots = sorted((tmp_path / "performance").iterdir())
    assert [plot.name for plot in plots] == ["latency.svg", "memory.svg", "rates.svg", "stages.svg"]
    for plot in plots:
        assert f"performance/{plot.name}" in text
        ET.parse(plot)  # noqa: S314 - ours; it is well-formed


def test_the_order_of_turns_is_told_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.turns.spin_score", lambda: 1.0)

    def played(seed: int) -> list[str]:
        turns = Turns(Sizes(4, 0.0, seed, Path("run"), Path("environments")), lambda _: None)
        turns.play("part", {name: lambda: {"x": 1.0} for name in "abc"})
        return [one["who"] for one in turns.measured.noise]

    assert played(1) == played(1)
    assert played(1) != played(2)
