"""Every address is declared, with who may call it, in one table: the gateway judges by it, the page is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter

from docs.make_rights import rights_page
from gateway import app
from gateway.rights import RIGHTS, Kind, Relation, Role, Shown, check_declared
from gateway.routes import health

PAGE = Path(__file__).parents[3] / "docs" / "spec" / "api-rights.md"


def test_the_page_of_rights_is_what_the_table_says() -> None:
    """Otherwise: python -m docs.make_rights, and review the difference."""
    assert PAGE.read_text(encoding="utf-8") == rights_page()


def test_an_application_with_an_undeclared_address_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = APIRouter()

    @secret.get("/v1/every-message")
    async def every_message() -> dict[str, str]:
        return {}

    monkeypatch.setattr(health, "router", secret)
    with pytest.raises(LookupError, match="/v1/every-message"):
        app.routed_app()


def test_a_route_that_the_table_cannot_name_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = APIRouter()
    mounted.mount("/v1/all", app.routed_app())
    monkeypatch.setattr(health, "router", mounted)
    with pytest.raises(LookupError, match="not an address"):
        app.routed_app()


def test_a_right_to_an_address_that_is_not_served_is_found() -> None:
    with pytest.raises(LookupError, match="/livez"):
        check_declared(RIGHTS.keys() - {("GET", "/livez")})


def test_what_is_one_partys_is_shown_to_nobody_without_a_part_in_it() -> None:
    for right in RIGHTS.values():
        if right.kind in (Kind.one, Kind.listed):
            assert right.roles == {Role.authority}
            assert set(right.shown) == set(Relation)
            assert right.shown[Relation.unrelated] is Shown.nothing
            assert right.shown[Relation.suspended] is Shown.refused
        else:
            assert not right.shown
