"""The base of everything that an extractor produces."""

import msgspec


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """What a submission says. Keeps *all* claims with their places, never the first one found."""
