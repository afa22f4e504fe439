"""What carries a request to the shop and its answer back."""

from dataclasses import dataclass, field
from typing import Mapping, Protocol


@dataclass(frozen=True)
class Request:
    """What is asked: a path below the API's root, and headers."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Sends one request, once. Raises `OSError` where no answer came."""

    def __call__(self, request: Request) -> Answer: ...
