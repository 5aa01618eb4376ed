"""Finds every check: a file in a family folder is enough to add one, and so is an installed package.

Another package adds checks with the entry point group `grader.checks`, whose value is a package of check
files. One that cannot be loaded is left out (see `grader.core.plugins`).
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType

import grader.checks
from grader.core import plugins
from grader.core.rule import Rule

_OWN_MODULES = {"grader.checks.catalogue"}


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in sorted(pkgutil.walk_packages(package.__path__, f"{package.__name__}."), key=lambda i: i.name):
        if (
            not info.ispkg
            and info.name not in _OWN_MODULES
            and not info.name.rpartition(".")[2].startswith("_")
        ):
            yield importlib.import_module(info.name)


def collect(packages: Iterable[ModuleType]) -> dict[str, Rule]:
    """Return the rules of the given packages by code.

    Raises TypeError for a module without a `rule` or with a signature that the planner cannot fill,
    ValueError for a code that is taken. Modules whose name begins with `_` are shared code of a family, not
    checks.
    """
    found: dict[str, Rule] = {}
    for package in packages:
        for module in _modules(package):
            rule = getattr(module, "rule", None)
            if not isinstance(rule, Rule):
                raise TypeError(f"{module.__file__}: a check module must define `rule = Rule(...)`")
            if rule.code in found:
                raise ValueError(
                    f"{module.__file__}: code {rule.code} is already taken by {found[rule.code].name!r}"
                )
            _ = (
                rule.needs,
                rule.claim_needs,
            )  # refuses a bad signature at load time, with the parameter's name
            found[rule.code] = rule
    return dict(sorted(found.items()))


@cache
def catalogue() -> dict[str, Rule]:
    """Return all rules by code, ours and those of installed packages."""
    found = collect((grader.checks,))

    def add(package: object) -> None:
        if not isinstance(package, ModuleType):
            raise TypeError(f"the entry point of a check names a package of check files, got {package!r}")
        more = collect((package,))
        if taken := sorted(more.keys() & found.keys()):
            raise ValueError(f"code {taken[0]} is already taken by {found[taken[0]].name!r}")
        found.update(more)

    plugins.load(plugins.CHECKS, add)
    return dict(sorted(found.items()))
