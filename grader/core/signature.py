"""What a function needs, read off its annotations: the same for checks and for providers."""

import inspect
import typing
from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType

import msgspec


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter that somebody must fill."""

    parameter: str
    type: type
    optional: bool
    """Whether `None` fills it where the need cannot be had: it is annotated `X | None`."""


@cache  # a class asks for each signature once a submission
def needs_of(function: Callable[..., object], fillable: tuple[type, ...], who: str = "") -> tuple[Need, ...]:
    """Return the parameters of a function in order; TypeError that names the first which none of `fillable`
    can fill.
    """
    hints = typing.get_type_hints(function)
    found: list[Need] = []
    for name in inspect.signature(function).parameters:
        bare, optional = _without_none(hints.get(name))
        if not (isinstance(bare, type) and issubclass(bare, fillable)):
            allowed = ", ".join(t.__name__ for t in fillable)
            raise TypeError(
                f"{who or function.__qualname__}: parameter {name!r} of "
                f"{function.__module__}.{function.__qualname__} "
                f"must be annotated with one of {allowed}, got {hints.get(name)!r}"
            )
        found.append(Need(parameter=name, type=bare, optional=optional))
    return tuple(found)


def _without_none(hint: object) -> tuple[object, bool]:
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        rest = [a for a in typing.get_args(hint) if a is not NoneType]
        if len(rest) == 1 and len(typing.get_args(hint)) == 2:
            return rest[0], True
    return hint, False
