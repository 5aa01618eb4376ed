"""The base of everything that the trusted side computes."""

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """What we recomputed ourselves; only facts earn points (DESIGN, law 1)."""
