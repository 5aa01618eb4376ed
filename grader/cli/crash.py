"""What the shell gets when something ends early: a status, one clear line, and a log file where it was our
fault.
"""

import io
import os
import select
import sys
from collections.abc import Callable

import click

from grader.core.crash_log import keep, listen, printable
from grader.core.faults import NodeFault, StoreFault, UsageFault


class PipeBroke(Exception):
    """Something went away that read from us: whoever reads our output, or a process of our own."""


def guarded(run: Callable[[], object]) -> int:
    """Run a command and return its exit status."""
    listen()
    try:
        result = run()
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        return 2
    except UsageFault as fault:
        for line in str(fault).splitlines():
            print(f"grader: {printable(line)}", file=sys.stderr)
        return 2
    except (StoreFault, NodeFault) as fault:
        print(f"grader: {printable(str(fault))}", file=sys.stderr)
        return 3
    except (KeyboardInterrupt, click.Abort):
        print("grader: interrupted; what is finished is kept", file=sys.stderr)
        return 130
    except Exception as crash:
        if isinstance(crash, PipeBroke) and not _heard():
            # The reader of our output went away (`| head`): nothing is wrong with the run. Without a fresh
            # stdout Python would complain a second time when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        path = keep(crash)
        print(
            f"grader: a fault of grader itself ({type(crash).__name__}); please report {path}",
            file=sys.stderr,
        )
        return 3
    return result if isinstance(result, int) else 0


def _heard() -> bool:
    """Whether somebody still reads our output: if so, it was another pipe that broke."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            if (
                sys.platform != "win32"
            ):  # an unbuffered stream keeps nothing that a second flush could fail on
                waiting = select.poll()
                waiting.register(stream.fileno(), select.POLLOUT)
                if any(event & (select.POLLERR | select.POLLHUP) for _, event in waiting.poll(0)):
                    return False
        except io.UnsupportedOperation:  # no file behind it, so no reader that could go away
            continue
        except OSError:
            return False
    return True
