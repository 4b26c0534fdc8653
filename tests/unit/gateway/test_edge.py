"""The outermost layer: bounds, an answer to every call, and a log that tells operators enough and strangers nothing."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.app import drain, short_ways
from gateway.metrics import MOST_TEXTS
from shared.domain.ids import encode_time
from shared.errors import LedgerInvalid, StoreUnavailable
from tests.unit.gateway.fakes import MESSAGE, NOW
from tests.unit.gateway.letters import CONTENT_TYPE, PATH, a_letter, keep
from tests.unit.gateway.test_feed import entry
from tests.unit.gateway.world import World, code_of


async def test_header_fields_have_a_limit_together(world: World) -> None:
    response = await world.get("MA.PGR", "/v1/feed", {"X-Padding": "x" * 20_000})
    assert response.status_code == 431
    assert code_of(response) == "call.headers-too-large"


async def test_a_long_query_counts_as_header(world: World) -> None:
    assert code_of(await world.bare("GET", "/livez?" + "x" * 20_000)) == "call.headers-too-large"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/messages", "POST"),
        ("DELETE", "/v1/feed", "GET"),
        ("TRACE", "/livez", "GET"),
        ("X", "/livez", "GET"),
    ],
)
async def test_another_method_is_refused_and_the_right_one_named(
    world: World, method: str, path: str, allowed: str
) -> None:
    response = await world.bare(method, path)
    assert response.status_code == 405
    assert code_of(response) == "call.method-not-allowed"
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/messages/", "/docs", "/openapi.json", "/v2/feed", "//v1/feed"])
async def test_an_unknown_address_is_not_there_and_leads_nowhere_else(world: World, path: str) -> None:
    response = await world.bare("GET", path)
    assert response.status_code == 404
    assert code_of(response) == "call.not-there"


async def test_a_mistake_inside_is_an_answer_without_details(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(world.queries, "feed", broken)
    with capture_logs() as logs:
        response = await world.get("MA.PGR", "/v1/feed")
    assert response.status_code == 500
    assert code_of(response) == "comity.error"
    assert response.json()["facts"] == {}
    assert "secret" not in response.text
    assert any(entry["event"] == "call failed" and entry.get("exc_info") for entry in logs)


async def test_an_error_that_is_no_callers_business_is_told_to_the_operator_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise LedgerInvalid(why="tile/0/000 is missing")

    monkeypatch.setattr(world.ledger, "checkpoint", broken)
    with capture_logs() as logs:
        response = await world.get("MA.PGR", "/log/checkpoint")
    assert response.status_code == 500
    assert code_of(response) == "comity.error"
    assert "tile" not in response.text
    assert any("tile/0/000" in str(entry) for entry in logs)


async def test_an_answer_that_breaks_off_is_cut_and_not_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(world, a_letter())
    read = world.parts.read

    async def lost(digest: str) -> Any:
        async for chunk in read(digest):
            yield chunk
            raise StoreUnavailable(why="gone")

    monkeypatch.setattr(world.parts, "read", lost)
    with pytest.raises((StoreUnavailable, RuntimeError)):
        await world.get("BE.PF", f"/v1/messages/{MESSAGE}/parts/body")


async def test_every_answer_forbids_guessing_its_type(world: World) -> None:
    for path in ("/livez", "/v1/feed", "/nowhere"):
        assert (await world.bare("GET", path)).headers["x-content-type-options"] == "nosniff"


async def test_the_log_has_caller_route_and_outcome_and_no_content(world: World) -> None:
    keep(world, a_letter())
    with capture_logs() as logs:
        await world.get("BE.PF", f"/v1/messages/{MESSAGE}")
        await world.get("BE.PF", "/v1/feed?after=secret-cursor")
        await world.post("MA.PGR", PATH, a_letter().submission, CONTENT_TYPE)
    first, second, third = (entry for entry in logs if entry["event"] == "call")
    assert (first["route"], first["status"], first["method"]) == ("/v1/messages/{message}", 200, "GET")
    assert first["caller"] == world.caller("BE.PF").kid
    assert (second["status"], second["code"]) == (400, "call.malformed")
    assert (third["status"], third["code"]) == (202, None)
    text = str(logs)
    for hidden in (MESSAGE, "secret-cursor", "sig=", "signature", "FR.BEPI", '"jws"'):
        assert hidden not in text


async def test_an_unverified_caller_is_not_named_in_the_log(world: World) -> None:
    headers = world.signed("BE.PF", "GET", "/v1/feed", ahead_s=600)
    with capture_logs() as logs:
        await world.bare("GET", "/v1/feed", headers=headers)
    assert [entry["caller"] for entry in logs if entry["event"] == "call"] == [None]


@pytest.mark.parametrize("name", ["MA.PGR", "MA.AUDIT", "nobody"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/messages", b"{}"),
        ("POST", "/v1/messages", a_letter().submission),
        ("POST", "/v1/messages?x=1", a_letter(expires_at=encode_time(NOW)).submission),
        ("GET", "/v1/feed", b""),
        ("GET", "/v1/feed?limit=1&limit=2&more=1", b""),
        ("GET", "/v1/feed?limit=0", b""),
        ("GET", "/v1/feed?wait=x", b""),
        ("GET", "/livez", b""),
    ],
)
async def test_the_short_way_answers_as_the_framework_does(
    monkeypatch: pytest.MonkeyPatch, name: str, method: str, path: str, body: bytes
) -> None:
    answers = []
    for ways in (short_ways(), {}):
        assert (("POST", "/v1/messages") in ways) is (("GET", "/v1/feed") in ways) is bool(ways)
        monkeypatch.setattr("gateway.app.short_ways", lambda ways=ways: ways)
        world = World()
        world.queries.feeds["MA.PGR"] = [entry(position) for position in (1, 2, 3)]
        headers = {} if name == "nobody" else world.signed(name, method, path, body, CONTENT_TYPE if body else None)
        with capture_logs() as logs:
            answer = await world.bare(method, path, content=body, headers=headers)
        told = {**logs[-1], "ms": 0}
        answers.append((answer.status_code, answer.content, sorted(answer.headers.items()), told))
    assert answers[0] == answers[1]


async def test_a_websocket_is_closed(world: World) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app({"type": "websocket", "path": "/v1/feed", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]


# --- health ----------------------------------------------------------------------------------------------------------


async def test_a_gateway_is_ready_when_store_and_directory_answer(world: World) -> None:
    response = await world.bare("GET", "/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"ready": True, "why": None, "checks": {"database": "ok", "directory": "ok"}},
    )


async def test_a_gateway_without_its_store_lives_and_is_not_ready(world: World) -> None:
    world.queries.failure = StoreUnavailable(why="host 10.0.0.7")
    response = await world.bare("GET", "/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"ready": False, "why": "database", "checks": {"database": "failing", "directory": "ok"}},
    )
    assert (await world.bare("GET", "/livez")).status_code == 200


async def test_a_gateway_that_is_about_to_stop_is_not_ready(world: World) -> None:
    drain(world.app)
    answer = (await world.bare("GET", "/readyz")).json()
    assert (answer["ready"], answer["why"]) == (False, "stopping")


async def test_the_figures_count_calls_by_route_and_refusals_by_code(world: World) -> None:
    world.queries.figures = {"outbox_age_s": 0.5, "dead_letters": 2, "ledger_size": 9, "ledger_logged_at": NOW}
    world.clock.advance(3)
    await world.get("MA.PGR", "/v1/feed")
    await world.bare("GET", "/v1/feed")
    await world.bare("ODD", "/livez")
    text = (await world.bare("GET", "/metrics")).text
    for line in (
        'comity_calls_total{method="GET",route="/v1/feed",status="200"} 1.0',
        'comity_calls_total{method="GET",route="/v1/feed",status="401"} 1.0',
        'comity_calls_total{method="other",route="/livez",status="405"} 1.0',
        'comity_calls_refused_total{code="call.unsigned"} 1.0',
        "comity_outbox_age_seconds 0.5",
        "comity_dead_letters 2.0",
        "comity_ledger_size 9.0",
        "comity_ledger_age_seconds 3.0",
    ):
        assert line in text
    assert "MA.PGR" not in text


async def test_a_refused_method_names_those_of_all_routes_of_the_address(world: World) -> None:
    for method in ("OPTIONS", "DELETE"):
        assert (await world.bare(method, "/v1/key-events")).headers["allow"] == "GET, POST"


async def test_figures_are_not_made_anew_for_each_of_many_that_ask(world: World) -> None:
    texts = {(await world.bare("GET", "/metrics")).text for _ in range(50)}
    assert len(texts) <= 3 * MOST_TEXTS  # the calls themselves change it, and a second or two may pass


async def test_the_figures_are_there_without_the_store(world: World) -> None:
    world.queries.failure = StoreUnavailable(why="gone")
    assert (await world.bare("GET", "/metrics")).status_code == 200


async def test_strangers_that_ask_for_health_do_not_load_the_store(world: World) -> None:
    for _ in range(10):
        await world.bare("GET", "/readyz")
        await world.bare("GET", "/metrics")
    assert world.queries.pings == 2  # once for readiness, once for the figures
    world.clock.advance(1)
    world.queries.failure = StoreUnavailable(why="gone")
    assert (await world.bare("GET", "/readyz")).status_code == 503
