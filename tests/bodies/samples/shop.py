"""A shop, with everything in it that a body can be."""
from __future__ import annotations
import abc
from typing import Iterator, Optional, overload

rate = lambda n: n * 2


def total(items: list[int]) -> int:
    """Sums."""
    return sum(items)


def one_line(n): return n + 1


def doc_line(n): "Says."; return n + 1


def bare(n):
    # A comment.

    if n:
        return 1
    return 2


def count(n: int) -> Iterator[int]:
    for i in range(n):
        yield i


async def wait(n: "float") -> "float":
    """Waits.

    Long.
    """
    return n


async def ticks(n):
    for i in range(n):
        yield i


def outer(n: int) -> str | None:
    def inner():
        yield n

    return str(list(inner()))


@overload
def both(n: int) -> int: ...


def both(n):
    global rate
    rate = n
    return n


class Shop(abc.ABC):
    """Sells."""

    limit = 3

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def title(self) -> str:
        return self.name.title()

    @staticmethod
    def make(name: Optional[str] = None) -> Shop:
        return Shop(name or "x")

    @abc.abstractmethod
    def left(self):
        ...

    class Inner:
	    def tabbed(self) -> dict[str, int]:
		    return {"a": 1}

    def match(self, n) -> bool:
        match n:
            case 1:
                return True
        return False
