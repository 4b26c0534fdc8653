"""Open to anybody: who this exchange is, what its refusals mean, and how it is. A deployment keeps `/readyz` and
`/metrics` to its own network; they name no party and no message."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.answers import NOT_KEPT
from gateway.config import VERSIONS
from gateway.description import gives, unsigned
from gateway.gateway import Gateway, gateway_of
from gateway.metrics import CONTENT_TYPE
from gateway.problems import STATUS, error_classes, type_of
from shared.contracts.api import WellKnown
from shared.domain.ids import encode_time
from shared.errors import ComityError, NotThere
from shared.keys.base64url import encode_b64u
from shared.texts.catalogue import preferred_language, translate

router = APIRouter(tags=["health"])
_JSON: Final = "application/json"
_ONE_MINUTE: Final = {"Cache-Control": "public, max-age=60"}


@router.get("/.well-known/comity", summary="Who this exchange is", **unsigned(model=WellKnown))
async def well_known(request: Request) -> Response:
    """A convenience, never a source of trust: keys are believed from the trust file that was handed over."""
    gateway = gateway_of(request)
    config = gateway.config
    answer = WellKnown(
        name=config.name,
        versions=VERSIONS,
        origin=config.trust.origin,
        receipt_key=encode_b64u(config.trust.receipt_key.raw),
        log_vkeys=config.trust.log_vkeys,
        time=encode_time(gateway.ports.clock.now()),
    )
    # `time` lets a caller see that its clock is off, so this answer is never an old one
    return Response(
        answer.model_dump_json().encode(), media_type="application/json", headers={"Cache-Control": NOT_KEPT}
    )


@router.get("/problems/{code}", summary="What a refusal means", **unsigned(404, **gives(_JSON, "What it means")))
async def problem(code: str, request: Request) -> Response:
    """The page that the `type` of a problem leads to."""
    cls = next((cls for cls in error_classes() if cls.code == code and code in STATUS), None)
    if cls is None:
        raise NotThere()
    language = preferred_language(request.headers.get("accept-language", ""))
    about = {
        "type": type_of(code),
        "title": translate(cls.title(), language),
        "status": STATUS[code],
        "code": code,
        "template": translate(cls.template(), language),
    }
    return JSONResponse(about, headers={**_ONE_MINUTE, "Content-Language": language, "Vary": "Accept-Language"})


@router.get("/livez", summary="The process answers", **unsigned(**gives(_JSON, "It does")))
async def livez() -> Response:
    return JSONResponse({"alive": True}, headers={"Cache-Control": NOT_KEPT})


@router.get(
    "/readyz",
    summary="The process can do its work",
    **unsigned(**gives(_JSON, "Whether it can, and the name of what fails", 200, 503)),
)
async def readyz(request: Request) -> Response:
    """503 while it starts, stops, has no database or broker, or cannot trust its directory. Names alone: the reasons
    stand in the log."""
    report = await gateway_of(request).readiness.report()
    checks = {name: "ok" if why is None else "failing" for name, why in report.checks.items()}
    body = {"ready": report.is_ready, "why": report.failing, "checks": checks}
    return JSONResponse(body, status_code=200 if report.is_ready else 503, headers={"Cache-Control": NOT_KEPT})


@router.get("/metrics", summary="Figures for Prometheus", **unsigned(**gives("text/plain", "In its text format")))
async def metrics(request: Request) -> Response:
    gateway = gateway_of(request)
    figures = await gateway.figures.get()
    gateway.metrics.show_health(store=figures is not None, directory=await _directory_verifies(gateway))
    if figures is not None:
        gateway.metrics.show(figures, gateway.ports.clock.now())
    return Response(gateway.metrics.text(), media_type=CONTENT_TYPE, headers={"Cache-Control": NOT_KEPT})


async def _directory_verifies(gateway: Gateway) -> bool:
    try:
        await gateway.authenticator.directory()
    except ComityError:
        return False
    return True
