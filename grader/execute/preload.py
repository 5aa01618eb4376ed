"""Imports what each job imports that looks at a network, for a process that is forked for each worker.

Nothing is computed here: a process in which torch has computed anything may hold threads, and its forks hang.
"""

import gc

import torch

from grader.execute import measure, notebook
from grader.execute.graph import ablation, facts, network, provider

LOADED = (torch, measure, notebook, ablation, facts, network, provider)
gc.collect()
gc.freeze()
