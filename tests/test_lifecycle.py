"""Findings over several scans: new, open, resolved, reopened, gone; the unseen stays as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from partywall.checks.loader import CompiledCheck
from partywall.cli.results import Chosen, compare, opened
from partywall.config import Config
from partywall.findings.exceptions import parse
from partywall.findings.model import finding_id
from partywall.opened import open_report
from tests.test_cli import run
from tests.world import ACCOUNT, BUCKETS, OTHER, VOLUMES, World, day, history


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def told(row: dict[str, Any]) -> tuple[str, str]:
    return row["status"], row["state"]


def test_a_finding_from_its_first_day_to_its_return(world: World) -> None:
    first = world.scan(0)["logs"]
    assert told(first) == ("fail", "new")
    assert (first["first_seen"], first["last_seen"], first["changed_at"]) == (day(0),) * 3
    assert first["resolved_at"] is None

    second = world.scan(1)["logs"]
    assert told(second) == ("fail", "open")
    assert (second["first_seen"], second["last_seen"], second["changed_at"]) == (day(0), day(1), day(0))

    world.buckets["logs"] = "Enabled"
    third = world.scan(2)["logs"]
    assert told(third) == ("pass", "resolved")
    assert (third["last_seen"], third["changed_at"], third["resolved_at"]) == (day(1), day(2), day(2))

    fourth = world.scan(3)["logs"]
    assert told(fourth) == ("pass", "resolved")
    assert (fourth["changed_at"], fourth["resolved_at"]) == (day(2), day(2))

    world.buckets["logs"] = "Suspended"
    fifth = world.scan(4)["logs"]
    assert told(fifth) == ("fail", "reopened")
    assert (fifth["first_seen"], fifth["last_seen"], fifth["changed_at"]) == (day(0), day(4), day(4))
    assert fifth["resolved_at"] is None
    assert fifth["reopened"] == 1

    sixth = world.scan(5)["logs"]
    assert told(sixth) == ("fail", "reopened")
    assert (sixth["changed_at"], sixth["reopened"]) == (day(4), 1)
    assert len({row["finding_id"] for row in (first, second, third, fourth, fifth, sixth)}) == 1
    assert first["finding_id"] == finding_id(BUCKETS, ACCOUNT, "eu-west-1", "arn:aws:s3:::logs")


def test_what_passes_has_no_history(world: World) -> None:
    assert "site" not in world.scan(0)


def test_a_resource_that_went_is_gone_and_may_come_back(world: World) -> None:
    world.scan(0)
    kept = world.volumes.pop((ACCOUNT, "eu-west-1"))
    gone = world.scan(1)
    assert told(gone["vol-a"]) == ("fail", "gone")
    assert (gone["vol-a"]["resolved_at"], gone["vol-a"]["last_seen"]) == (day(1), day(0))
    assert told(gone["vol-b"]) == ("fail", "open")
    world.volumes[ACCOUNT, "eu-west-1"] = kept
    assert told(world.scan(2)["vol-a"]) == ("fail", "reopened")


def test_the_last_resource_of_a_table_is_gone_too(world: World) -> None:
    world.scan(0)
    world.volumes.clear()
    assert told(world.scan(1)["vol-b"]) == ("fail", "gone")


def test_unknown_never_closes_a_finding(world: World) -> None:
    world.scan(0)
    world.denied = {"GetBucketVersioning", "DescribeVolumes eu-west-1"}
    second = world.scan(1)
    assert told(second["logs"]) == ("unknown", "open")
    assert second["logs"]["changed_at"] == day(1)
    assert second["logs"]["resolved_at"] is None
    assert told(second["site"]) == ("unknown", "new")
    assert told(second["vol-a"]) == ("fail", "new"), "as it was when it was seen last"
    assert second["vol-a"]["last_seen"] == day(0)
    assert told(second["vol-b"]) == ("fail", "open")
    assert told(second["ec2_volume in eu-west-1"]) == ("unknown", "new")

    world.denied = set()
    third = world.scan(2)
    assert told(third["logs"]) == ("fail", "open")
    assert told(third["site"]) == ("pass", "resolved")
    assert told(third["vol-a"]) == ("fail", "open")
    assert told(third["ec2_volume in eu-west-1"]) == ("pass", "resolved")


def test_a_bucket_whose_region_is_not_known_is_the_same_finding(world: World) -> None:
    before = world.scan(0)["logs"]
    world.denied = {"GetBucketLocation"}
    unknown = world.scan(1)
    assert {k for k in unknown if "bucket" not in k} == {"logs", "site", "vol-a", "vol-b"}
    assert told(unknown["logs"]) == ("unknown", "open")
    assert unknown["logs"]["finding_id"] == before["finding_id"]
    world.denied = set()
    world.buckets["logs"] = "Enabled"
    assert told(world.scan(2)["logs"]) == ("pass", "resolved")


@pytest.mark.parametrize(
    "partial",
    [
        {"regions": ("us-east-1",)},
        {"checks": (BUCKETS,)},
        {"accounts": (OTHER,)},
    ],
    ids=["regions", "checks", "another account"],
)
def test_a_partial_scan_closes_nothing_that_it_did_not_look_at(world: World, partial: dict[str, Any]) -> None:
    first = world.scan(0)["vol-a"]
    world.volumes[ACCOUNT, "eu-west-1"] = {}
    second = world.scan(1, **partial)["vol-a"]
    assert second == first
    assert told(world.scan(2)["vol-a"]) == ("fail", "gone")


def test_a_region_that_was_disabled_closes_nothing(world: World) -> None:
    first = world.scan(0)["vol-a"]
    world.regions = ["us-east-1"]
    assert world.scan(1)["vol-a"] == first


def test_a_denied_listing_of_all_closes_nothing(world: World) -> None:
    world.scan(0)
    world.denied = {"ListBuckets"}
    world.buckets.clear()
    second = world.scan(1)
    assert told(second["logs"]) == ("fail", "new")
    assert told(second["s3_bucket in global"]) == ("unknown", "new")
    world.denied = set()
    third = world.scan(2)
    assert told(third["logs"]) == ("fail", "gone")
    assert told(third["s3_bucket in global"]) == ("pass", "resolved")


def test_a_resource_listed_twice_is_one_finding_in_every_scan(world: World) -> None:
    world.repeated = True
    for number in range(3):
        found = world.scan(number)
        assert told(found["vol-a"])[0] == "fail"


def test_an_older_scan_that_ends_after_a_newer_one(world: World) -> None:
    world.scan(0)
    older = world.prepare(1)
    world.buckets["logs"] = "Enabled"
    newer = world.scan(2)
    assert told(newer["logs"]) == ("pass", "resolved")
    world.buckets["logs"] = "Disabled"
    late = history(older.run())
    assert told(late["logs"]) == ("fail", "open"), "as of its own day, which was before"
    assert late["logs"]["last_seen"] == day(1)
    assert world.data.resolve("latest").name == world.data.published()[-1] > older.id
    third = world.scan(3)
    assert told(third["logs"]) == ("fail", "reopened"), "the newer scan's word counts"
    assert third["logs"]["first_seen"] == day(0)


def test_scans_side_by_side_of_different_accounts_both_leave_their_mark(world: World) -> None:
    world.volumes[OTHER, "us-east-1"] = {"vol-c": False}
    one, two = world.prepare(0, accounts=(OTHER,)), world.prepare(1)
    two.run()
    one.run()
    assert "vol-c" not in history(world.data.scans / two.id)
    both = world.scan(2, accounts=(ACCOUNT, OTHER))
    assert told(both["vol-c"]) == ("fail", "open")
    assert (both["vol-c"]["first_seen"], both["vol-a"]["first_seen"]) == (day(0), day(1))


def _report(world: World, name: str = "latest", config: Config | None = None) -> Any:
    checks: list[CompiledCheck] = world.prepare(0).checks.chosen
    return open_report(world.data.resolve(name), checks, config or Config())


def test_reports_tell_the_history(world: World) -> None:
    world.scan(0)
    world.scan(1)
    rows = {row["resource_name"]: row for row in _report(world).findings.to_pylist()}
    assert rows["logs"]["state"] == "open"
    assert (rows["logs"]["first_seen"], rows["logs"]["last_seen"]) == (day(0), day(1))


def test_exceptions_hold_until_their_day_and_leave_the_history_alone(world: World) -> None:
    def states(number: int) -> dict[str, tuple[str, str]]:
        world.scan(number)
        entry = {
            "check": BUCKETS,
            "reason": "scratch",
            "owner": "a",
            "approver": "b",
            "expires": "2026-03-03",
        }
        found = _report(world, config=Config(exceptions=parse([entry], "here"))).findings.to_pylist()
        return {row["resource_name"]: (row["state"], row["exception"]) for row in found}

    assert states(1)["logs"] == ("excepted", "scratch")
    assert states(2)["logs"] == ("excepted", "scratch"), "the last day is included"
    assert states(3)["logs"] == ("open", "")
    assert history(world.data.resolve())["logs"]["first_seen"] == day(1)


def test_diff_tells_what_changed_and_what_was_not_looked_at(world: World) -> None:
    world.volumes[ACCOUNT, "us-east-1"]["vol-d"] = False
    world.scan(0)
    world.buckets |= {"logs": "Enabled", "site": "Suspended"}
    del world.volumes[ACCOUNT, "us-east-1"]["vol-d"]
    world.denied = {"DescribeVolumes eu-west-1"}
    world.scan(1)
    done = run("diff", "--data", str(world.data.path), "--format", "json")
    assert done.returncode == 0, done.stderr
    changes = {k: [row["resource_name"] for row in rows] for k, rows in json.loads(done.stdout).items()}
    assert changes == {
        "new": ["site", ""],
        "changed": [],
        "resolved": ["logs"],
        "gone": ["vol-d"],
        "not_looked_at": ["vol-a"],
    }
    shown = run("diff", "--data", str(world.data.path))
    assert "2 new, 0 changed, 1 resolved, 1 gone, 1 not looked at" in " ".join(shown.stdout.split())


def test_diff_of_a_status_that_changed(world: World) -> None:
    world.scan(0)
    world.denied = {"GetBucketVersioning"}
    world.scan(1)
    first, second = (
        opened(Chosen(world.data.path, name, ("fail", "unknown"), (), (), (VOLUMES, BUCKETS), (), (), None))
        for name in ("previous", "latest")
    )
    (changed,) = compare(first, second, {})["changed"]
    assert (changed["resource_name"], changed["was"], changed["status"]) == ("logs", "fail", "unknown")
