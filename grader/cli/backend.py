"""`--backend`: where the jobs of a class run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from grader.core.bucket import place_of
from grader.core.faults import UsageFault
from grader.core.settings import Settings

if TYPE_CHECKING:
    from grader.pipeline.stages.request import Afield
    from grader.schedule.base import Backend

HERE = "local"
_F = TypeVar("_F", bound=Callable[..., object])


def backend_options(command: _F) -> _F:
    """Add the options that say where the jobs of a class run, and how many at a time."""
    for option in (
        click.option(
            "--objects",
            metavar="DIR|URL",
            help="Folder that every node of a cluster sees, or a bucket (default: the folder of the store).",
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="Processes of this machine (default: what cores and memory allow).",
        ),
        click.option(
            "--backend",
            default=HERE,
            show_default=True,
            metavar="WHERE",
            help="`ray`: a cluster of this machine; `ray://HOST:PORT`: the cluster there.",
        ),
    ):
        command = option(command)
    return command


def echo_nodes(backend: str, settings: Settings) -> bool:
    """Print what each node of a cluster has, before an hour is spent; whether any of them takes every job.

    Raises UsageFault where there is no such cluster.
    """
    from grader.pipeline.elsewhere.node_health import examine, likeness
    from grader.schedule.ray_cluster import RayCluster, address_of

    address = address_of(backend)
    with RayCluster(address, partial(examine, settings, likeness(settings))) as cluster:
        found = cluster.examined()
    for name, has in found.items():
        trouble = [has[why] for why in ("refusal", "unfit") if why in has]
        click.echo(f"{'MISSING' if 'refusal' in has else 'warn' if trouble else 'ok':8}{name}")
        told = ", ".join(f"{what} {value}" for what, value in has.items() if what not in ("refusal", "unfit"))
        click.echo(f"{'':8}{told}" if told else "", nl=bool(told))
        for why, line in (("refusal", "takes no job"), ("unfit", "runs no student code")):
            if why in has:
                click.echo(f"{'':8}-> {line}: {has[why]}")
    return any("refusal" not in has and "unfit" not in has for has in found.values())


@contextmanager
def opened(
    backend: str, jobs: int, settings: Settings, store: Path, objects: str | None = None
) -> Iterator[tuple["Backend", "Afield | None"]]:
    """Yield the backend that an option means, and what its machines share; a cluster of ours ends with the
    block.

    Raises UsageFault where there is no such cluster, or where it would run student code unguarded.
    """
    from grader.pipeline.classroom.grade_class import workers_for

    if backend == HERE:
        if objects is not None:
            raise UsageFault("--objects is for a cluster: say --backend as well")
        from grader.schedule.local import LocalProcesses

        yield LocalProcesses(workers_for(jobs)), None
        return
    from grader.pipeline.elsewhere.node_health import examine, likeness
    from grader.pipeline.elsewhere.object_folder import ObjectFolder
    from grader.pipeline.stages.request import Afield
    from grader.schedule.dispatch import Dispatch
    from grader.schedule.ray_cluster import RayCluster, address_of

    address = address_of(backend)
    if settings.execute and settings.unsafe_no_sandbox:
        raise UsageFault(
            "--unsafe-no-sandbox and --backend: code that nothing isolates could command the whole cluster"
        )
    folder = place_of(objects or str(store.parent))
    if isinstance(folder, Path):
        folder = folder.resolve()
        if folder.exists() and not folder.is_dir():
            raise UsageFault(f"--objects {folder}: no folder")
    else:
        folder.must_be_reachable()
    look = partial(examine, settings, likeness(settings), str(folder), ObjectFolder(folder).mark())
    with RayCluster(address, look, cores=0 if address else workers_for(jobs)) as cluster:
        # A cluster of this machine has its cache; on others only the object folder is sure to be shared.
        yield Dispatch(cluster), Afield(folder=folder, cache=str(folder / "runs") if address else "")
