"""The command group: commands are imported only when they run, so that `grader --help` stays quick."""

import importlib

import click

import grader

_COMMANDS = {
    "assign": "grader.cli.commands.assign",
    "batch": "grader.cli.commands.batch",
    "check": "grader.cli.commands.check",
    "init": "grader.cli.commands.init",
    "watch": "grader.cli.commands.watch",
    "grade": "grader.cli.commands.grade",
    "explain": "grader.cli.commands.explain",
    "report": "grader.cli.commands.report",
    "diff": "grader.cli.commands.diff",
    "override": "grader.cli.commands.override",
    "queue": "grader.cli.commands.queue",
    "export": "grader.cli.commands.export",
    "feedback": "grader.cli.commands.feedback",
    "gradescope": "grader.cli.commands.gradescope",
    "store": "grader.cli.commands.store",
    "rules": "grader.cli.commands.rules",
    "rubric": "grader.cli.commands.rubric",
    "plan": "grader.cli.commands.plan",
    "inspect": "grader.cli.commands.inspect",
    "reproduce": "grader.cli.commands.reproduce",
    "retrain": "grader.cli.commands.retrain",
    "data": "grader.cli.commands.data",
    "doctor": "grader.cli.commands.doctor",
}
"""Name to module; the module's `command` is the click command."""


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own."""

    def __init__(self, *, modules: dict[str, str], **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # click's own keyword arguments, passed through
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*self._modules, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name in self._modules:
            found: click.Command = importlib.import_module(self._modules[cmd_name]).command
            return found
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of an unknown one say which are spelled nearly so."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as fault:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=3) if args else []
            if not near:
                raise
            told = f"{fault.message} Did you mean {' or '.join(near)}?"
            raise click.UsageError(told, ctx) from fault

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. A pipe that breaks is named otherwise: click would end with status 1 and without a
        word.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError as fault:
            from grader.cli.crash import PipeBroke

            raise PipeBroke from fault


@click.group(
    cls=LazyGroup,
    modules=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Verify a 'Backpropagation and MNIST' submission: README, workbook and notebook.",
)
@click.version_option(grader.__version__, prog_name="grader")
def app() -> None:
    """Root command."""
