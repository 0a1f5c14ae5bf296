"""Progress of a running scan on standard error: a live panel in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from partywall.scan import Progress

_PLAIN_SECONDS: Final = 5.0
_SERVICES_SHOWN: Final = 12


@contextmanager
def showing(progress: Progress) -> Generator[None]:
    """Shows a scan's progress while it runs."""
    from partywall.cli.console import console

    screen = console(stderr=True)
    if not screen.is_terminal:
        with _plain(progress):
            yield
        return
    from rich.live import Live

    started = time.monotonic()
    with Live(
        get_renderable=lambda: _panel(progress, started), console=screen, refresh_per_second=4, transient=True
    ):
        yield


@contextmanager
def _plain(progress: Progress) -> Generator[None]:
    stop = threading.Event()
    started = time.monotonic()

    def tell() -> None:
        while not stop.wait(_PLAIN_SECONDS):
            print(_line(progress, started), file=sys.stderr, flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _line(progress: Progress, started: float) -> str:
    spent = time.monotonic() - started
    parts = [progress.stage, f"{progress.done}/{progress.units} listings", f"{progress.calls} calls"]
    if progress.throttles:
        parts.append(f"{progress.throttles} throttled")
    if progress.failed:
        parts.append(f"{progress.failed} unanswered")
    parts.append(f"{spent:.0f} s")
    left = _left(progress, spent)
    if left:
        parts.append(f"about {left} left")
    return " · ".join(parts)


def _left(progress: Progress, spent: float) -> str:
    if progress.stage != "collecting" or progress.done < 5 or not progress.units:
        return ""
    seconds = spent / progress.done * (progress.units - progress.done)
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _panel(progress: Progress, started: float) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(width=24)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    entries: list[tuple[str, int, int, int]] = [
        (name, counts[0], counts[1], counts[2]) for name, counts in list(progress.services.items())
    ]
    # Those with most calls first: they are what one waits for.
    busy = sorted((e for e in entries if e[1] < e[2]), key=lambda e: (-e[3], e[0]))
    for name, done, units, calls in busy[:_SERVICES_SHOWN]:
        bar = ProgressBar(total=max(1, units), completed=done, width=24)
        table.add_row(name, bar, f"{done}/{units}", f"{calls} calls")
    lines: list[Any] = [Text(_line(progress, started), style="bold")]
    if busy:
        lines.append(table)
    if len(busy) > _SERVICES_SHOWN:
        lines.append(Text(f"and {len(busy) - _SERVICES_SHOWN} more services", style="dim"))
    return Group(*lines)
