"""Imports what each job imports that runs a notebook, for a process that is forked for each worker.

No torch: networks are looked into by forks of the warm process (`grader.sandbox.apart`). What a fork
imports for itself, and what is freed here, each worker would hold once more.
"""

import gc

from grader.core.machine import give_back
from grader.execute import measure, notebook
from grader.execute.graph import provider
from grader.sandbox import choose

LOADED = (measure, notebook, provider, choose)
give_back()
gc.freeze()
