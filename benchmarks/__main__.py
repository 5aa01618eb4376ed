"""`python -m benchmarks NAME [ARGUMENTS]`: runs one measurement; without a name, lists them all."""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def names() -> dict[str, str]:
    """Return every script with the first sentence of its docstring, sorted."""
    scripts = sorted(path for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    texts = {path.stem: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in scripts}
    return {name: " ".join(text.partition("\n\n")[0].split()) for name, text in texts.items()}


def main(arguments: list[str]) -> int:
    """Run the script that the first argument names, with the rest; 2 where there is none of that name."""
    known = names()
    if not arguments or arguments[0] not in known:
        for name, line in known.items():
            print(f"{name:16} {line}")
        return 2 if arguments else 0
    script = HERE / f"{arguments[0]}.py"
    sys.argv = [str(script), *arguments[1:]]
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    runpy.run_path(str(script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
