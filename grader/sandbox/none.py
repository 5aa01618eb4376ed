"""No isolation: the same worker in a plain process of yours, for one's own work, with a time limit and a
temporary folder.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from grader.core.faults import SandboxFault
from grader.sandbox import environment
from grader.sandbox.api import Isolation, Job, Listener, RunResult, unheard
from grader.sandbox.jobfile import encode, memory_file
from grader.sandbox.supervise import kill_group, tree_memory, watch

WARNING = "the code ran on this computer with your own rights, without isolation"
_PASSED = ("PATH", "SYSTEMROOT", "SystemRoot", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What a Python needs to start; no token or home of the caller is handed on."""


class Unisolated:
    """Stops an accident, not an attack."""

    name = "none"

    def __init__(self, *, unsafe_no_sandbox: bool) -> None:
        if not unsafe_no_sandbox:
            raise SandboxFault("running without isolation must be asked for with --unsafe-no-sandbox")

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Run one job in a process group of its own, in a folder that is removed afterwards."""
        with (
            tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True) as folder,
            memory_file(encode(job), "job") as jobfile,
        ):
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, *environment.PYTHON_FLAGS, str(environment.WORKER / "__main__.py")],
                stdin=jobfile,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(folder),
                cwd=folder,
                start_new_session=True,
            )
            watched = watch(
                process,
                job.limits,
                kill=lambda: kill_group(process),
                memory_exceeded=lambda: tree_memory(process.pid) > job.limits.memory,
                listen=listen,
            )
            return RunResult(
                status=watched.status,
                frames=watched.frames,
                isolation=Isolation(
                    backend=self.name,
                    isolated=False,
                    user="own",
                    memory="watchdog" if Path("/proc/self/stat").exists() else "none",
                    weaknesses=(WARNING,),
                ),
                stderr_tail=watched.stderr,
                exit_code=watched.exit_code,
                detail=watched.detail,
            )


def _environment(folder: str) -> dict[str, str]:
    own = {
        "CUDA_VISIBLE_DEVICES": "",
        "HOME": folder,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(Path(folder, ".matplotlib")),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(environment.package_folders()),
        "TEMP": str(Path(folder, ".tmp")),
        "TMP": str(Path(folder, ".tmp")),
        "TMPDIR": str(Path(folder, ".tmp")),
        "TZ": "UTC",
        "USER": "student",
        "USERNAME": "student",
    }
    return {name: os.environ[name] for name in _PASSED if name in os.environ} | own
