"""`python -m grader`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # `-m` puts the current folder first: a `msgspec.py` in a submission would run. The folder of grader
    # itself stays.
    here = Path(__file__).resolve().parents[1]
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path.cwd() or here == Path.cwd()]

    from grader.cli.app import main

    main()
