"""Which backend runs student code on this machine."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import NamedTuple

from grader.core.faults import SandboxFault
from grader.sandbox import warm
from grader.sandbox.api import Job, Limits, RunStatus, Sandbox
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.none import Unisolated

INSTALL = "install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`)"
UNSAFE = "or, for your own work only, pass --unsafe-no-sandbox"


class Trial(NamedTuple):
    """Whether bubblewrap holds a job on this machine; `reason` and `remedy` are empty when it does."""

    works: bool
    reason: str = ""
    remedy: str = ""


@cache
def try_bubblewrap() -> Trial:
    """Start one empty job: nothing but running it tells whether this kernel allows it."""
    if sys.platform != "linux":
        return Trial(
            False,
            f"bubblewrap needs Linux, this is {sys.platform}",
            "run grader under WSL2 or in a Linux container",
        )
    try:
        sandbox = Bubblewrap()
    except SandboxFault as fault:
        return Trial(False, str(fault), INSTALL)
    result = sandbox.run(Job(files={}, entry="", options={"mode": "ping"}, limits=Limits(wall=20.0)))
    if result.status is RunStatus.OK:
        return Trial(True)
    said = result.stderr_tail + result.detail
    return Trial(False, f"bubblewrap does not work here: {result.detail}", _remedy(said))


def _remedy(said: str) -> str:
    lowered = said.lower()
    if (
        "namespace" in lowered
        or "uid map" in lowered
        or "permission denied" in lowered
        or "not permitted" in lowered
    ):
        return (
            "allow user namespaces: `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu) or "
            "`sysctl -w user.max_user_namespaces=10000`; in a container start it with "
            "`--security-opt seccomp=unconfined`"
        )
    return (
        f"bubblewrap said: {said.strip()[-300:] or 'nothing'}; start `bwrap --ro-bind / / "
        "true` by hand to see more"
    )


def choose(*, unsafe_no_sandbox: bool) -> Sandbox:
    """The safest backend that works; the unisolated one only where it was asked for.

    Raises:
        SandboxFault: nothing isolates here and running without isolation was not asked for; says how to mend
        it.

    """
    trial = try_bubblewrap()
    if trial.works:
        return Bubblewrap(warm=warm.address())
    if unsafe_no_sandbox:
        return Unisolated(unsafe_no_sandbox=True)
    raise SandboxFault(f"no isolation: {trial.reason}. To mend it: {trial.remedy}, {UNSAFE}")


def warm_jobs(targets: Sequence[str] = ()) -> AbstractContextManager[None]:
    """Let the jobs of processes that are started meanwhile find torch imported already, where this machine
    can, and let `targets` run apart (`grader.sandbox.apart`). Nothing is started before the first job asks
    for it.
    """
    return warm.serving(Bubblewrap.surroundings(), targets) if sys.platform == "linux" else nullcontext()


def warm_worker(targets: Sequence[str] = ()) -> None:
    """Let the jobs of this process find torch imported already from now on, where this machine isolates."""
    if try_bubblewrap().works:
        warm.serve_for_good(Bubblewrap.surroundings(), targets)
