"""Fixtures that several tests share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import DemoScan, record_demo


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
