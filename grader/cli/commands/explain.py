"""`grader explain CODE`: the page of a check."""

import sys

import click


@click.command(help="Print what a check looks at, why it matters and what to do instead.")
@click.argument("code")
def command(code: str) -> None:
    """Print the docstring of a check's module, which is its doc page."""
    from grader.checks.catalogue import catalogue
    from grader.cli.screen import print_markdown, watched

    rules = catalogue()
    rule = rules.get(code.upper()) or next((r for r in rules.values() if code in (r.name, *r.formerly)), None)
    if rule is None:
        close = ", ".join(c for c in rules if c[:2] == code[:2].upper()) or ", ".join(rules)
        raise click.UsageError(f"no check {code!r}; there are {close}")
    head = f"{rule.code} {rule.name} ({rule.status.value})"
    if watched(sys.stdout):
        print_markdown(f"# {head}\n\n{rule.doc}")
    else:
        click.echo(f"{head}\n\n{rule.doc}")
