"""Python's search for cyclic garbage held back while a scan collects, and freed memory handed back."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

_THRESHOLDS: Final = (50_000, 20, 50)


@contextmanager
def seldom_searched() -> Generator[None]:
    """Within it, what is loaded already is never searched for cycles, and what is new seldom.

    Answers and rows hold no cycles and are freed by their reference counts, but each search walks all of
    AWS's service models: a third of a scan's CPU time. The thresholds as they were come back at the end.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        # What was loaded before is not walked: only what collecting left behind.
        gc.collect()
        gc.set_threshold(*before)
        gc.unfreeze()
        hand_back()


def hand_back() -> None:
    """Gives the system what is free inside the allocators: parsed pages leave tens of megabytes there."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    _trim()(0)


@cache
def _trim() -> Callable[[int], Any]:
    """glibc's malloc_trim; elsewhere a function that does nothing."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return lambda _: 0
