"""TOML that somebody wrote by hand, read from its bytes."""

import tomllib
from typing import Any


def read_toml(data: bytes) -> dict[str, Any]:
    """Return the tables of a TOML file; ValueError with one sentence for anything that is none, however
    absurd.
    """
    try:
        return tomllib.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError as fault:
        raise ValueError(f"not UTF-8 ({fault.reason} at byte {fault.start})") from fault
    except ValueError as fault:  # also a number of more than 4,300 digits, which Python refuses to convert
        raise ValueError(f"not a TOML file: {fault}") from fault
