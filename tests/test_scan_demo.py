"""The demo scanned over HTTP as AWS would be: coverage, least privilege, and the same from a replay."""

from __future__ import annotations

from pathlib import Path

from partywall.aws.actions import actions_of
from partywall.collect import permissions
from partywall.collect.planner import plan
from partywall.config import Config
from partywall.scan import Selection, demanded, load_checks
from partywall.tables.registry import all_tables
from tests.support import REGIONS, DemoScan, verdicts


def test_a_scan_asks_for_nothing_outside_its_policy(demo: DemoScan) -> None:
    selection = Selection(regions=REGIONS)
    planned = plan(demanded(selection, load_checks(selection, Config()).chosen), all_tables())
    allowed = set(permissions.needed(planned))
    asked = {(service, operation) for _, _, service, operation in demo.requests}
    assert len(asked) > 100
    outside = {
        f"{service}:{operation}"
        for service, operation in asked
        if not set(actions_of(service, operation)) <= allowed
    }
    assert outside == set()


def test_a_replay_of_the_recording_gives_every_verdict_again(demo: DemoScan, tmp_path: Path) -> None:
    checks = load_checks(Selection(regions=REGIONS), Config()).chosen
    path, _ = demo.replay(tmp_path)
    assert verdicts(path, checks) == verdicts(demo.directory, checks)


def test_a_scan_of_one_check_makes_only_its_calls(demo: DemoScan, tmp_path: Path) -> None:
    selection = Selection(regions=REGIONS, checks=("s3-bucket-versioning-enabled",))
    path, transport = demo.replay(tmp_path, selection=selection, accounts=demo.accounts[:1])
    made = [(service, operation) for _, _, service, operation in transport.calls]
    buckets = made.count(("s3", "GetBucketVersioning"))
    assert buckets > 0
    wanted = {
        ("ec2", "DescribeRegions"),
        ("s3", "ListBuckets"),
        ("s3", "GetBucketLocation"),
        ("s3", "GetBucketVersioning"),
    }
    assert set(made) <= wanted
    assert made.count(("s3", "ListBuckets")) == 1
    assert path.is_dir()
