"""Builds the gateway: routes, the error answers, the outermost layer. Everything it needs is passed in.

The framework's own conveniences are off: no redirects (they would believe the Host header), no documentation pages,
no telemetry to whatever provider the process has, no HTML errors.
"""

from __future__ import annotations

from inspect import signature
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from gateway.accounts import Accounts
from gateway.admission import Admission
from gateway.auth import Authenticator
from gateway.config import GatewayConfig
from gateway.description import TITLE
from gateway.edge import Edge, ShortWays
from gateway.figures import Figures
from gateway.gateway import Gateway
from gateway.metrics import Metrics
from gateway.ports import GatewayPorts
from gateway.problems import problem_response
from gateway.rights import check_declared
from gateway.routes import audit, directory, dossiers, feed, health, key_events, ledger, messages, operations, operator
from gateway.settlement import Settlement
from gateway.statements import Statements
from shared.errors import CallMalformed, CallMethodNotAllowed, ComityError, NotThere
from shared.runtime.readiness import Check, Readiness
from shared.texts.catalogue import preferred_language

API_VERSION: Final = "1.0.0"
ROUTERS: Final = (messages, dossiers, feed, directory, key_events, ledger, audit, operator, operations, health)
_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def build_app(ports: GatewayPorts, config: GatewayConfig) -> FastAPI:
    """The ASGI application. `drain(app)` before it is stopped."""
    authenticator = Authenticator(ports.keyring, ports.clock, config)

    async def ask_directory() -> str | None:
        await authenticator.directory()
        return None

    checks = {check.name: check for check in [*ports.checks, Check("directory", ask_directory)]}
    admission = Admission(config.limits, ports.clock)
    metrics = Metrics(ports.meters.registry)
    metrics.watch_admission(admission)
    gateway = Gateway(
        ports=ports,
        config=config,
        authenticator=authenticator,
        figures=Figures(ports.queries, ports.clock),
        metrics=metrics,
        readiness=Readiness("gateway", list(checks.values()), ports.clock, ports.meters),
        admission=admission,
        settlement=Settlement(admission, ports.queries, config.limits, ports.clock),
        statements=Statements(config.trust.origin, ports.receipt_signer),
        accounts=Accounts(ports.submit, ports.clock),
    )
    app = routed_app()
    app.state.gateway = gateway
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_middleware(Edge, gateway=gateway, short_ways=short_ways())
    return app


def routed_app() -> FastAPI:
    """The addresses alone, with nothing behind them: enough to describe the API."""
    app = FastAPI(
        title=TITLE,
        version=API_VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    for module in ROUTERS:
        app.include_router(module.router)
    check_declared((method, route.path) for route in routes() for method in route.methods or ())
    return app


def routes() -> list[APIRoute]:
    """Everything that can be called. Raises LookupError for a route that the framework would serve in another way."""
    found = [route for module in ROUTERS for route in module.router.routes]
    if strange := [route for route in found if not isinstance(route, APIRoute)]:
        raise LookupError(f"not an address of the API: {strange}")
    return [route for route in found if isinstance(route, APIRoute)]


def short_ways() -> ShortWays:
    """The routes that have one address each and whose functions take the call as it is: nothing is left for the
    framework to find or to prepare."""
    return {
        (method, route.path): route.endpoint
        for route in routes()
        if not route.param_convertors and list(signature(route.endpoint).parameters) == ["request"]
        for method in route.methods or ()
    }


def drain(app: FastAPI) -> None:
    """Not ready any more; long polls end within a second with what there is. Call it when the process is asked to
    stop."""
    gateway: Gateway = app.state.gateway
    gateway.draining = True
    gateway.readiness.drain()


def readiness_of(app: FastAPI) -> Readiness:
    gateway: Gateway = app.state.gateway
    return gateway.readiness


def metrics_of(app: FastAPI) -> Metrics:
    gateway: Gateway = app.state.gateway
    return gateway.metrics


def accounts_of(app: FastAPI) -> Accounts:
    gateway: Gateway = app.state.gateway
    return gateway.accounts


def settlement_of(app: FastAPI) -> Settlement:
    """What must run beside the application, or its window fills and nothing more is let in."""
    gateway: Gateway = app.state.gateway
    return gateway.settlement


async def _not_routed(request: Request, error: Exception) -> Response:
    """The framework's own refusals: no such address, or not this method."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        request.state.code = CallMethodNotAllowed.code
        refused = CallMethodNotAllowed(method=request.method[:20])
        language = preferred_language(request.headers.get("accept-language", ""))
        return problem_response(refused, {"Allow": ", ".join(_methods_at(request))}, language)
    raise NotThere() if error.status_code == 404 else ComityError()


def _methods_at(request: Request) -> list[str]:
    """Of all routes of this address: the framework names those of the first one alone (RFC 9110 §10.2.1)."""
    found = (route.methods or () for route in routes() if route.matches(request.scope)[0] is not Match.NONE)
    return sorted(set[str]().union(*found))


async def _not_valid(request: Request, error: Exception) -> Response:
    """A parameter of the query that is not as the API wants it. Its value is not repeated."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    raise CallMalformed(why=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
