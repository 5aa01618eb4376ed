"""What the worker changed for the notebook: every patch can be undone, every compatibility shim that was used
is listed.
"""

from typing import Any

WHAT = {
    "data-loader-workers": "DataLoader(num_workers=...) was set to 0",
    "drop-last": "drop_last was switched off because the slice is smaller than one batch",
    "pip": "`pip install` was not run: there is no network",
    "shell-command": "a `!` line or a shell cell was not run",
    "magic": "a `%` line that means nothing here was skipped",
    "torchsummary": "torchsummary is not installed here: a stand-in printed the count of parameters",
    "torchinfo": "torchinfo is not installed here: a stand-in printed the count of parameters",
    "stub-module": "a module that has nothing to do with the model was replaced by a stand-in",
    "scheduler-verbose": "`verbose=` of learning rate schedulers was removed in this torch",
    "iterator-next": "`.next()` of data loader iterators was removed in this torch",
    "numpy-on-grad": "`.numpy()` on a tensor that requires grad was detached first",
    "cuda": "CUDA was asked for and the CPU used",
    "torch-load": "torch.load put tensors on the CPU",
    "tqdm-notebook": "tqdm's notebook bar was replaced by the plain one",
    "chdir": "a folder of the author's own disk is not here: the notebook stayed in its own folder",
    "input": "`input()` has nobody to ask and raised EOFError",
}


def of_data(about: Any) -> dict[str, str]:
    """What is changed about a data set (`mnist_stub.About`), of which a slice is there."""
    return {
        "mnist": f"torchvision.datasets.{about.torchvision} serves a small slice of digits instead of a "
        "download",
        "dataset-slice": f"indices and lengths meant for {about.training_images:,} digits were scaled to the "
        "slice",
    }


class Ledger:
    """Counts of shims used, and the patches to undo."""

    def __init__(self) -> None:
        self.uses: dict[str, int] = {}
        self.details: dict[str, set[str]] = {}
        self._patches: list[tuple[Any, str, Any, bool]] = []

    def used(self, name: str, detail: str = "") -> None:
        """Note one use; `detail` names the module or call."""
        self.uses[name] = self.uses.get(name, 0) + 1
        if detail and len(self.details.setdefault(name, set())) < 12:
            self.details[name].add(detail[:80])

    def patch(self, owner: Any, name: str, value: Any) -> Any:
        """Set an attribute and return what was there."""
        own = name in vars(owner)
        original = getattr(owner, name, None)
        self._patches.append((owner, name, original, own))
        setattr(owner, name, value)
        return original

    def restore(self) -> None:
        """Undo all patches, the last one first; student code may have patched over them, then theirs goes
        too.
        """
        while self._patches:
            owner, name, original, own = self._patches.pop()
            if own:
                setattr(owner, name, original)
            elif name in vars(owner):
                delattr(owner, name)

    def report(self) -> list[dict[str, Any]]:
        """All shims that were used, by name."""
        found = []
        for name in sorted(self.uses):
            detail = ", ".join(sorted(self.details.get(name, ())))
            found.append(
                {
                    "name": name,
                    "what": WHAT[name] + (f" ({detail})" if detail else ""),
                    "uses": self.uses[name],
                }
            )
        return found
