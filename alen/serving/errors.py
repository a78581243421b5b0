"""Errors in the shape that OpenAI's clients read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from alen.errors import (
    AlenError,
    BadInput,
    Cancelled,
    ModelNotInstalled,
    ModelServerFailed,
    RequestError,
    TooLong,
    UnknownEpisode,
    UnknownModel,
    UnknownNamespace,
)
from alen.generation.batching import Closed, Overloaded
from alen.serving.keys import NotAllowed, TooMany

logger = logging.getLogger("alen.serving")

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the request under way."""

RETRY_SECONDS = 1
WRONG = "invalid_request_error"


class Told(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """What every error says, and where."""

    error: Told


DECLARED: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request was wrong, not allowed, or one too many."},
    "5XX": {"model": ErrorBody, "description": "The work failed."},
}


class TooLarge(HTTPException):
    def __init__(self, most_bytes: int) -> None:
        super().__init__(413, body(f"At most {most_bytes:,} bytes.", WRONG, "body", "too_large"))  # type: ignore[arg-type]  # text is meant, any JSON is told


class TooSlow(HTTPException):
    def __init__(self, seconds: float) -> None:
        super().__init__(408, body(f"The body must come within {seconds:g} s.", WRONG, "body", "timeout"))  # type: ignore[arg-type]  # text is meant, any JSON is told


def body(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def response(error: BaseException) -> JSONResponse:
    status, found = told(error)
    headers = {}
    if status == 429:
        headers["Retry-After"] = str(error.seconds if isinstance(error, TooMany) else RETRY_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, HTTPException):
        headers |= error.headers or {}
    return JSONResponse(found, status, headers)


def told(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Status and body. What broke here is logged; what nobody foresaw is told without its inside. What ALEN raises
    itself stands in the body as ``alen`` too, so that its own clients raise it again."""
    if isinstance(error, UnknownNamespace):  # which names the others, and whoever holds a key must not hear of them
        error = UnknownNamespace(error.field, error.found, "one that was taught", error.hint)
    status, found = _told(error)
    if isinstance(error, AlenError):
        found["error"]["alen"] = error.to_json()
    return status, found


def _told(error: BaseException) -> tuple[int, dict[str, Any]]:
    if isinstance(error, HTTPException):
        found: Any = error.detail
        return error.status_code, found if isinstance(found, dict) else body(str(found), WRONG)
    if isinstance(error, Overloaded):
        return 429, body(str(error), "overloaded_error", code="overloaded")
    if isinstance(error, NotAllowed):
        return 401, body(str(error), "authentication_error", code="invalid_api_key")
    if isinstance(error, TooMany):
        return 429, body(str(error), "rate_limit_error", code="rate_limit_exceeded")
    if isinstance(error, UnknownModel | UnknownEpisode):
        return 404, body(str(error), WRONG, error.field, "not_found")
    if isinstance(error, TooLong):
        return 400, body(str(error), WRONG, error.field, "context_length_exceeded")
    if isinstance(error, RequestError):
        return 400, body(str(error), WRONG, error.field, "invalid_value")
    if isinstance(error, ModelNotInstalled | Cancelled | Closed):
        return 503, body(str(error), "unavailable_error")
    logger.error("the work failed", exc_info=error, extra={"id": REQUEST.get()})
    if isinstance(error, ModelServerFailed):
        return 502, body(str(error), "server_error")
    if isinstance(error, AlenError):
        return 500, body(str(error), "server_error")
    return 500, body("Something failed that nobody foresaw; the server's log tells what.", "server_error")


def install(app: FastAPI) -> None:
    """What nobody foresaw is not here: it goes up to the door, which gives it an id."""

    async def known(_: Request, error: Exception) -> JSONResponse:
        return response(error)

    async def of_shape(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        found = body(f"{where}: {first['msg']}", WRONG, where, "invalid_value")
        found["error"]["alen"] = BadInput(where, "what cannot be taken", first["msg"], "Correct it.").to_json()
        return JSONResponse(found, 400)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
        AlenError: known,
        HTTPException: known,
        RequestValidationError: of_shape,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
