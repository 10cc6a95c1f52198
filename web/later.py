"""Large JSON, read only when it is known who sends it: nobody else's is worth the server's time."""

from typing import Any, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from web.auth import Who

Form = TypeVar("Form", bound=BaseModel)


def later(form: type[Form]) -> Any:
    """Return the dependency that reads a body of this form, in a thread: megabytes would hold up calls."""

    async def read(request: Request, _who: Who) -> Form:
        return await run_in_threadpool(_read, form, await request.body())

    return Depends(read)


def _read(form: type[Form], body: bytes) -> Form:
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise RequestValidationError([{**first, "loc": ("body", *first["loc"])}]) from None
