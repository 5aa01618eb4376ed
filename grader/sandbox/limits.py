"""What one job may use."""

import msgspec

MIB = 1 << 20


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds, sizes in bytes. The defaults are those of a notebook's smoke run.

    `wall` is enforced from outside and cannot be escaped; `cells` (all of them) and `cell` (each) are
    enforced inside, so that time remains to export the model. `cpu` is per process. `frames` and `channel`
    bound what comes back.
    """

    wall: float = 330.0
    cells: float = 200.0
    cell: float = 150.0
    cpu: int = 300
    memory: int = 2048 * MIB
    address_space: int = 16384 * MIB
    """Virtual memory per process; loose, since libraries map far more than they touch."""
    pids: int = 128
    disk: int = 256 * MIB
    inodes: int = 20_000
    """Files in the working directory; enforced where grader may mount (as root)."""
    shared_memory: int = 64 * MIB
    file_size: int = 64 * MIB
    open_files: int = 256
    stderr: int = MIB
    channel: int = 32 * MIB
    frames: int = 10_000
