"""Fixtures that several tests share."""

from pathlib import Path

import pytest

from tests.support import DemoScan, record_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> DemoScan:
    """The demo's scan over HTTP, recorded once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared: Path = base if worker_id == "master" else base.parent
    return record_demo(shared)
