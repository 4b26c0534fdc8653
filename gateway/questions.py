"""Queries of calls that the framework does not read: one model both reads and describes them."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shared.errors import CallMalformed

M = TypeVar("M", bound=BaseModel)


def parse_query(request: Request, model: type[M]) -> M:
    """What the query asks for; of a name that stands twice the last counts, and others than the model's do nothing.

    Raises CallMalformed, without repeating what was given.
    """
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        raise CallMalformed(why=f"query.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def asks(model: type[BaseModel]) -> dict[str, Any]:
    """The parameters of a route, for `openapi_extra`."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "schema": field,
                **({"description": field["description"]} if "description" in field else {}),
            }
            for name, field in schema["properties"].items()
        ]
    }
