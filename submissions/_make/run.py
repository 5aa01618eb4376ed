"""Executes the notebooks of the sample class on real MNIST and stores what they printed.

    python submissions/_make/run.py --data DIR [--modules DIR] [NAME ...]

DIR holds the four canonical IDX files (.gz or unpacked). `--modules` is a folder with what the notebooks would install by
`!pip` (torchsummary); shell lines themselves are not executed. Each notebook runs in a process of its own, one after the
other, on one thread; what stands in the file after a cell has run is kept even if the next cell ends the process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def lay_out_mnist(source: Path, workplace: Path) -> None:
    """Puts the unpacked files where torchvision looks for them, seen from `notebooks/`: in `../data` and in `./data`."""
    raw = workplace / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in IDX_FILES:
        packed, plain = source / f"{name}.gz", source / name
        if plain.is_file():
            content = plain.read_bytes()
        elif packed.is_file():
            content = gzip.decompress(packed.read_bytes())
        else:
            sys.exit(f"{source} holds neither {name} nor {name}.gz; --data wants the four files of MNIST")
        (raw / name).write_bytes(content)
    (workplace / "notebooks").mkdir()
    (workplace / "notebooks" / "data").symlink_to(workplace / "data")


def define_torchvision_schemas() -> object:
    """torchvision's compiled operators don't load beside a CPU build of torch; its import needs only their schemas.

    They live as long as the object returned.
    """
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        try:
            library.define(schema)
        except RuntimeError:  # a build that has the operators defines them itself
            continue
    return library


def as_lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def execute(source: Path, target: Path) -> None:
    """Runs the code cells of `source` in this process and rewrites `target` after each."""
    import matplotlib as mpl

    mpl.rcParams["figure.dpi"] = 50
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    torch.set_num_threads(1)
    schemas = define_torchvision_schemas()
    notebook = json.loads(source.read_text("utf-8"))
    shell = InteractiveShell.instance(colors="NoColor", history_length=0)
    shell.system = lambda command: None
    shell.enable_gui = lambda gui=None: None
    shell.run_line_magic(
        "config", "InlineBackend.print_figure_kwargs = {'bbox_inches': 'tight', 'metadata': {}}"
    )
    shell.run_line_magic("matplotlib", "inline")
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        cell["execution_count"] = count
        target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        with capture_output() as captured:
            result = shell.run_cell("".join(cell["source"]), store_history=True)
        cell["outputs"] = outputs_of(captured, count)
        target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(f"  cell {count}: {'ok' if result.success else 'failed'}", flush=True)
        if not result.success:
            sys.stderr.write(captured.stdout[-2000:] + captured.stderr[-2000:])
            sys.exit(1)
    del schemas


def outputs_of(captured: object, count: int) -> list[dict[str, object]]:
    """Streams and rich outputs as nbformat 4 keeps them."""
    outputs: list[dict[str, object]] = []
    stdout, shown, result = captured.stdout.partition(f"Out[{count}]: ")  # type: ignore[attr-defined]
    if stdout:
        outputs.append({"name": "stdout", "output_type": "stream", "text": as_lines(stdout)})
    for rich in captured.outputs:  # type: ignore[attr-defined]
        data = {kind: as_lines(v) if kind.startswith("text/") else v for kind, v in rich.data.items()}
        outputs.append({"data": data, "metadata": {}, "output_type": "display_data"})
    if shown:
        plain = {"text/plain": as_lines(result.rstrip("\n"))}
        outputs.append(
            {"data": plain, "execution_count": count, "metadata": {}, "output_type": "execute_result"}
        )
    return outputs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--modules", type=Path)
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="cell files (without .txt) to execute; default: all")
    options = parser.parse_args()
    if options.one:
        execute(*options.one)
        return
    sys.path.insert(0, str(HERE))
    import notebooks

    names = options.names or sorted(notebooks.NOTEBOOKS)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    if options.modules:
        environment["PYTHONPATH"] = str(options.modules.resolve())
    with tempfile.TemporaryDirectory() as folder:
        workplace = Path(folder)
        lay_out_mnist(options.data.resolve(), workplace)
        environment["HOME"] = environment["IPYTHONDIR"] = folder
        for name in names:
            print(name, flush=True)
            target = notebooks.target(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            source = workplace / "source.ipynb"
            source.write_text(notebooks.build(name), "utf-8")
            command = [sys.executable, str(HERE / "run.py"), "--data", ".", "--one", str(source), str(target)]
            status = subprocess.run(
                command, cwd=workplace / "notebooks", env=environment, check=False
            ).returncode
            if status:
                print(f"{name}: the runner ended with status {status}", flush=True)
                continue
            notebooks.finish(name)


if __name__ == "__main__":
    main()
