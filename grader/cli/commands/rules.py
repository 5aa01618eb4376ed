"""`grader rules`: every check that there is."""

import sys

import click
import msgspec


@click.command(help="List every check, with its thresholds and what it needs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def command(as_json: bool) -> None:
    """List the catalogue."""
    from grader.checks.catalogue import catalogue
    from grader.cli.screen import print_table, watched

    rules = catalogue().values()
    if not as_json:
        if watched(sys.stdout):
            shown = [
                (r.code, r.name, r.title, "" if r.status.value == "stable" else r.status.value) for r in rules
            ]
            print_table(("check", "name", "what it checks", ""), shown)
            return
        for rule in rules:
            preview = "" if rule.status.value == "stable" else f" ({rule.status.value})"
            click.echo(f"{rule.code}  {rule.name:28} {rule.title}{preview}")
        return
    listing = [
        {
            "code": rule.code,
            "name": rule.name,
            "title": rule.title,
            "status": rule.status.value,
            "needs": [n.type.__name__ for n in rule.needs],
            "params": msgspec.to_builtins(rule.params()),
            "policy": msgspec.to_builtins(rule.policy()),
        }
        for rule in rules
    ]
    click.echo(msgspec.json.format(msgspec.json.encode(listing), indent=2).decode())
