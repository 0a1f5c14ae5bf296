"""Python's search for cyclic garbage, held back while a scan collects."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 50)


@contextmanager
def seldom_searched() -> Generator[None]:
    """Within it, what is loaded already is never searched for cycles, and what is new seldom.

    Answers and rows hold no cycles and are freed by their reference counts, but each search walks all of
    AWS's service models: a third of a scan's CPU time. The thresholds as they were come back at the end.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
