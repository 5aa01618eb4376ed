"""MNIST as the worker is told of it."""

from grader.core.assigned_data import MNIST
from grader.sandbox.worker.mnist_stub import About

ABOUT = About(**MNIST.seen_inside())  # type: ignore[arg-type]
