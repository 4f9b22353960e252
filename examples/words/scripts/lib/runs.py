"""Runs of words."""

from collections import Counter


def runs(words: list[str], size: int) -> Counter[str]:
    """How often each run of `size` neighbouring words occurs."""
    return Counter(" ".join(words[i : i + size]) for i in range(len(words) - size + 1))
