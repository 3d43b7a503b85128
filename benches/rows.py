"""Rows of the table of benches/README.md."""

from __future__ import annotations


def row(what: str, kind: str, figure: str, goal: str = "", measured: str = "") -> str:
    return f"| {what} | {kind} | {figure} | {goal} | {measured} |"


def at_least(value: float, goal: float) -> tuple[str, str]:
    return f"≥ {goal:g}", _verdict(value, met=value >= goal)


def at_most(value: float, goal: float) -> tuple[str, str]:
    return f"≤ {goal:g}", _verdict(value, met=value <= goal)


def _verdict(value: float, *, met: bool) -> str:
    return f"{value:.3g}" if met else f"{value:.3g} (missed)"
