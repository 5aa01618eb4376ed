"""A cluster of Ray, as `Dispatch` sees it. The one module that imports Ray, which the extra `ray` brings.

A block is one task that yields a word for each job as it ends, so that what a lost node had finished is not
done again. The driver chooses the node (hard affinity): it knows which one isolates, and whose loss cost
what. Ray retries nothing by itself, since a retry of its own would be told to nobody.
"""

import importlib.util
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from grader.core.distribution import install_hint
from grader.core.faults import UsageFault
from grader.schedule.cluster import Node, Share, Told, Word
from grader.schedule.serve import serve

log = logging.getLogger(__name__)

LOCAL: Final = "ray"
"""The name of a cluster that is started for the run and ends with it, on this machine alone."""
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_open_telemetry": "0",
}
_OBJECTS: Final = 128 * 2**20
"""Bytes of shared memory that a local cluster sets aside: results go through the object folder."""
_EXAMINED_WITHIN: Final = 90.0
"""Seconds that the first look at the nodes may take: a node imports grader and starts a sandbox."""


Examine = Callable[[], dict[str, str]]
"""Says on a node what it has, by its name; with `refusal` and `unfit` as in `Node`."""


def installed() -> bool:
    """Whether Ray is there."""
    return importlib.util.find_spec("ray") is not None


def address_of(backend: str) -> str:
    """Return the address that a backend names; empty for a cluster of this machine.

    Raises UsageFault for anything else, and where Ray is not installed.
    """
    address = "" if backend == LOCAL else backend.removeprefix("ray://")
    host, colon, port = address.rpartition(":")
    if backend != LOCAL and address != "auto" and not (colon and host and port.isdecimal()):
        raise UsageFault(
            f"--backend {backend}: say local (processes of this machine), ray (a cluster on this machine), "
            "or the address of the head of a cluster, such as ray://10.0.0.5:6379"
        )
    if not installed():
        raise UsageFault(f"--backend {backend}: Ray is not installed: `{install_hint('ray')}`")
    return address


class RayCluster:
    """A connection to a cluster, or a cluster of this machine that ends with it."""

    def __init__(self, address: str, examine: Examine, cores: int = 0) -> None:
        self._examine = examine
        self._seen: dict[str, dict[str, str]] = {}
        self._asked: dict[str, Any] = {}
        self._flights: dict[Any, int] = {}
        self._refs: dict[int, Any] = {}
        self._number = 0
        self._ray = _connect(address, cores)
        self._serve = self._ray.remote(serve)
        self._patience = time.monotonic() + _EXAMINED_WITHIN

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster, whatever happened."""
        self.close()

    # -- nodes

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes that are alive and were examined; the first call waits for one."""
        alive = {n["NodeID"]: n for n in self._ray.nodes() if n["Alive"]}
        self._ask(alive)
        while not self._seen.keys() & alive.keys() and self._asked and time.monotonic() < self._patience:
            self._hear_of_nodes(1.0)
        self._hear_of_nodes(0.5 if self._asked.keys() - self._seen.keys() and not self._flights else 0.0)
        names = _names(alive)
        return tuple(
            Node(
                id=key,
                name=names[key],
                cores=float(alive[key]["Resources"].get("CPU", 0.0)),
                memory=int(alive[key]["Resources"].get("memory", 0)),
                gpus=float(alive[key]["Resources"].get("GPU", 0.0)),
                refusal=seen.get("refusal", ""),
                unfit=seen.get("unfit", ""),
            )
            for key, seen in sorted(self._seen.items())
            if key in alive
        )

    def examined(self) -> dict[str, dict[str, str]]:
        """Return what each node has, by its name; waits until all have answered or a minute and a half went
        by.
        """
        self.nodes()
        while self._asked and time.monotonic() < self._patience:
            self._hear_of_nodes(1.0)
        names = _names({n["NodeID"]: n for n in self._ray.nodes() if n["Alive"]})
        silent = {names[k]: {"refusal": "it does not answer"} for k in self._asked if k in names}
        return dict(sorted((silent | {names[k]: s for k, s in self._seen.items() if k in names}).items()))

    def _ask(self, alive: dict[str, dict[str, Any]]) -> None:
        for key in alive.keys() - self._seen.keys() - self._asked.keys():
            task = self._ray.remote(_call).options(
                num_cpus=0, max_retries=0, scheduling_strategy=_only_on(key)
            )
            self._asked[key] = task.remote(self._examine)

    def _hear_of_nodes(self, seconds: float) -> None:
        for key, ref in list(self._asked.items()):
            ready, _ = self._ray.wait([ref], timeout=seconds)
            if not ready:
                continue
            del self._asked[key]
            try:
                self._seen[key] = self._ray.get(ref)
            except self._ray.exceptions.RayError as fault:
                self._seen[key] = {"refusal": f"grader does not run there ({_short(fault)})"}

    # -- blocks

    def send(self, node: Node, share: Share, function: Callable[[Any], Any], jobs: Sequence[Any]) -> int:
        """Start the task of a block on a node."""
        task = self._serve.options(
            num_cpus=share.cores,
            num_gpus=share.gpus,
            memory=share.memory or None,
            max_retries=0,
            num_returns="streaming",
            scheduling_strategy=_only_on(node.id),
        )
        words = task.remote(function, list(jobs), talks=share.talks)
        self._number += 1
        self._flights[words] = self._number
        self._refs[self._number] = words
        return self._number

    def hear(self, seconds: float) -> list[Told]:
        """Return the next words of each block that has some."""
        if not self._flights:
            time.sleep(min(seconds, 0.5))
            return []
        waiting = list(self._flights)
        ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
        if not ready:
            ready, _ = self._ray.wait(waiting, num_returns=1, timeout=seconds, fetch_local=False)
        return [told for words in ready for told in self._next(words)]

    def _next(self, words: Any) -> list[Told]:
        number = self._flights[words]
        try:
            ref = next(words)
        except StopIteration:
            self._forget(number)
            return [Told(number, Word.OVER)]
        except self._ray.exceptions.RayError as fault:
            self._forget(number)
            return [self._death(number, fault)]
        try:
            told = self._ray.get(ref)
        except self._ray.exceptions.RayError as fault:
            self._forget(number)
            return [self._death(number, fault)]
        return [Told(number, Word(word), value, name) for word, value, name in told]

    def _death(self, number: int, fault: Exception) -> Told:
        of = self._ray.exceptions
        lost = (of.NodeDiedError, of.TaskUnschedulableError, of.ObjectLostError)
        return Told(number, Word.GONE if isinstance(fault, lost) else Word.DIED, _short(fault))

    def _forget(self, number: int) -> None:
        words = self._refs.pop(number, None)
        if words is not None:
            self._flights.pop(words, None)

    def drop(self, flights: Sequence[int]) -> None:
        """Cancel blocks; a worker that is at one is ended."""
        for number in flights:
            words = self._refs.get(number)
            if words is not None:
                with suppress(Exception):  # the cluster may be gone with them
                    self._ray.cancel(words, force=True)
            self._forget(number)


def _call(function: Examine) -> dict[str, str]:
    return function()


def _connect(address: str, cores: int) -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    _hush()
    if not address:
        try:
            # What it says goes over the loopback (.1 Ray would replace by the address of the machine); its
            # ports, which Ray opens to all, answer to its token alone.
            ray.init(
                address="local",
                num_cpus=cores or None,
                include_dashboard=False,
                object_store_memory=_OBJECTS,
                _node_ip_address="127.0.0.2" if sys.platform == "linux" else None,
                **quiet,
            )
        except (OSError, RuntimeError, ValueError) as fault:
            raise UsageFault(
                f"a cluster of Ray cannot be started on this machine ({_short(fault)})"
            ) from fault
        return ray
    try:
        _knock(address)
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as fault:
        raise UsageFault(
            f"no cluster of Ray at {address} ({_short(fault)}). Give the address of its head, usually port "
            "6379, on a machine that belongs to it: `ray start --address=HOST:6379 --num-cpus=0` lets this "
            "one join without taking work"
        ) from fault
    return ray


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at an address: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10.0).close()


def _hush() -> None:
    """Send to our log what Ray would print among the results: each death of a worker, on standard output."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    with suppress(ImportError):
        from ray._private import worker

        if hasattr(worker, "print_to_stdstream"):
            worker.print_to_stdstream = lambda data, *_, **__: log.info("%s", data)


def _only_on(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


def _names(alive: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Node id to its address, with the beginning of the id where nodes share one."""
    hosts = [n["NodeManagerAddress"] for n in alive.values()]
    return {
        key: n["NodeManagerAddress"]
        if hosts.count(n["NodeManagerAddress"]) == 1
        else f"{n['NodeManagerAddress']} ({key[:6]})"
        for key, n in alive.items()
    }


def _short(fault: BaseException) -> str:
    """The first sentence of what Ray says, which says more than anybody reads."""
    text = " ".join(str(fault).split())
    return f"{type(fault).__name__}: {text.partition('. ')[0][:200]}"
