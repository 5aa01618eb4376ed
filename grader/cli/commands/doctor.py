"""`grader doctor`: what this machine has and lacks, with the command that mends it."""

import subprocess
import sys

import click
import msgspec

from grader.cli.backend import HERE, echo_nodes
from grader.core.settings import Settings
from grader.sandbox.doctor import Health, Symptom, examine_cuda, examine_packages, examine_sandbox

MARKS = {Health.OK: "ok", Health.WARN: "warn", Health.MISSING: "MISSING"}


def mnist(data: str) -> Symptom:
    """Whether MNIST is at hand, and what is lost without."""
    from grader.execute import digits
    from reference.mnist import HOW_TO_GET_IT, MnistError, load

    settings = Settings(data=data)
    place = digits.find(settings)
    if place is None:
        where = ", ".join(map(str, digits.places(settings)))
        remedy = f"{HOW_TO_GET_IT}; or name a folder that holds it with --data or $GRADER_DATA"
        return Symptom(name="MNIST", health=Health.MISSING, found=f"not found in {where}", remedy=remedy)
    try:
        load(place)
    except MnistError as fault:
        return Symptom(name="MNIST", health=Health.MISSING, found=str(fault), remedy=HOW_TO_GET_IT)
    return Symptom(name="MNIST", health=Health.OK, found=f"{place}, all four files verified")


def digits_at(data: str) -> tuple[str, ...]:
    """Return the files of MNIST on this machine: test labels that no job may open."""
    from grader.execute import digits

    place = digits.find(Settings(data=data))
    return tuple(sorted(map(str, place.iterdir()))) if place is not None and place.is_dir() else ()


def kernels() -> Symptom:
    """Which kernels train here; asked in a process of its own, because it loads torch."""
    code = "from grader.execute.engine.ways.kernel_set import choice as c; print(c().kernels.value, c().why)"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, encoding="utf-8", check=False, timeout=300
    )
    used, _, why = done.stdout.strip().partition(" ")
    told = f"{used}: {why}" if why else used or "not tried: no torch"
    return Symptom(name="training kernels", health=Health.OK, found=told)


@click.command(name="doctor")
@click.option(
    "--data", default="", metavar="DIR", help="Folder with MNIST (default: $GRADER_DATA, ./data, the cache)."
)
@click.option(
    "--backend", default="local", metavar="WHERE", help="`ray://HOST:PORT`: what each node there has."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(data: str, backend: str, as_json: bool) -> None:
    """Attack the sandbox of this machine and look for what grading needs.

    Exit status 0 when student code can be run in isolation and networks retrained, else 1.
    """
    if backend != HERE:
        sys.exit(0 if echo_nodes(backend, Settings(data=data)) else 1)
    symptoms = [*examine_sandbox(digits_at(data)), *examine_packages()]
    symptoms += [mnist(data), kernels(), examine_cuda()]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(symptoms)).decode())
    else:
        width = max(len(s.name) for s in symptoms)
        for s in symptoms:
            click.echo(f"{MARKS[s.health]:8}{s.name:{width}}  {s.found}")
            if s.remedy:
                click.echo(f"{'':8}{'':{width}}  -> {s.remedy}")
    sys.exit(1 if any(s.health is Health.MISSING for s in symptoms) else 0)
