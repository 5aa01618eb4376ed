"""Imports what each job imports that looks at a network, for a process that is forked for each worker.

Nothing is computed here: a process in which torch has computed anything may hold threads, and its forks hang.
What a fork imports for itself, and what is freed here, each worker would hold once more.
"""

import gc

import torch

from grader.core.machine import give_back
from grader.execute import measure, notebook
from grader.execute.graph import ablation, facts, network, provider, same_answers
from grader.sandbox import choose

LOADED = (torch, measure, notebook, ablation, facts, network, provider, same_answers, choose)
give_back()
gc.freeze()
