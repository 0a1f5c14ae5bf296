"""Fixtures that several tests share."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import DemoScan, record_demo

# Tests started in the background ignore Ctrl-C, and so would the programs that they start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _whole_models() -> Iterator[None]:
    """A scan by the command line cuts botocore's models to its calls: undone, however it ended."""
    yield
    if models := sys.modules.get("partywall.aws.models"):
        models.widen()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> DemoScan:
    """The demo's scan over HTTP, recorded once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared: Path = base if worker_id == "master" else base.parent
    return record_demo(shared)
