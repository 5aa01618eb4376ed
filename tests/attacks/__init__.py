"""Attacks on marks, on the sandbox and on a class: one file an incident, its docstring the story, its tests the observable outcome.

What is asserted is what a person sees: the verdict of each criterion and its sentence, never the helper that gave it. A
file begins with what the attacker wants and how it was tried; `judged.py` grades a network or a notebook without a
sandbox. Families that need one take the fixtures of `tests/sandbox/conftest.py` and the mark `sandbox`.
"""
