"""What people said, in reports: states, exceptions and owners, over what scans found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.config import Config, load
from partywall.errors import UserError
from partywall.findings.exceptions import RiskException, exception_sql
from partywall.findings.globs import glob_sql
from partywall.findings.owners import OwnerRule, owner_sql, parse
from partywall.opened import open_report
from partywall.scan import Selection, load_checks
from partywall.state.store import Store
from tests.world import ACCOUNT, BUCKETS, VOLUMES, World, day


def shown(world: World, name: str = "latest", config: Config | None = None) -> dict[str, dict[str, Any]]:
    """The report's findings by the resource's name."""
    checks = load_checks(Selection(checks=(BUCKETS, VOLUMES)), Config()).chosen
    given = config or load(None, world.data.path)
    found = open_report(world.data.resolve(name), checks, given).findings.to_pylist()
    return {row["resource_name"]: row for row in found}


class Clock:
    now = day(0) + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path / "data")


def test_what_was_said_shows_until_the_finding_comes_back(world: World) -> None:
    world.scan(0)
    first = shown(world)
    clock = Clock()
    with Store.open(world.data.path, clock=clock) as store:
        store.set_status([first["logs"]["finding_id"]], "acknowledged", "ada")
        store.assign([first["vol-a"]["finding_id"]], "red", "ada")
        assert [shown(world)[n]["state"] for n in ("logs", "vol-a")] == ["acknowledged", "new"]
        world.scan(1)
        assert [shown(world)[n]["state"] for n in ("logs", "vol-a")] == ["acknowledged", "open"]
        assert shown(world)["vol-a"]["owner"] == "red"
        world.buckets["logs"] = "Enabled"
        world.scan(2)
        assert "logs" not in shown(world)
        world.buckets["logs"] = "Suspended"
        world.scan(3)
        assert shown(world)["logs"]["state"] == "reopened"
        clock.now = day(3) + timedelta(hours=1)
        store.set_status([first["logs"]["finding_id"]], "acknowledged", "ada")
        assert shown(world)["logs"]["state"] == "acknowledged"
    names = world.data.published()
    assert shown(world, names[0])["logs"]["state"] == "acknowledged", (
        "as it was while that scan was the newest"
    )


def test_an_approved_exception_shows_and_counts_until_it_ends(world: World) -> None:
    world.scan(0)
    clock = Clock()
    with Store.open(world.data.path, clock=clock) as store:
        made = store.request(
            reason="agreed", owner="ada", expires=day(1).date(), requester="bo", resource="arn:aws:s3:::l*"
        )
        assert shown(world)["logs"]["state"] == "new"
        store.approve(made.id, "cy")
        assert (shown(world)["logs"]["state"], shown(world)["logs"]["exception"]) == ("excepted", "agreed")
        assert shown(world)["vol-a"]["state"] == "new"
        world.scan(1)
        assert shown(world)["logs"]["state"] == "excepted"
        world.scan(2)
        assert shown(world)["logs"]["state"] == "open", "its last day is over"
        other = store.request(
            reason="these two",
            owner="ada",
            expires=day(9).date(),
            requester="bo",
            findings=[shown(world)[n]["finding_id"] for n in ("vol-a", "vol-b")],
        )
        store.approve(other.id, "cy")
        assert {n: r["state"] for n, r in shown(world).items()} == {
            "logs": "open",
            "vol-a": "excepted",
            "vol-b": "excepted",
        }
        store.revoke(other.id, "cy", "mended")
        assert shown(world)["vol-a"]["state"] == "open"


def test_rules_tell_whose_it_is_unless_somebody_was_assigned(world: World) -> None:
    world.scan(0)
    rules = [
        OwnerRule(owner="storage", type="s3_*"),
        OwnerRule(owner="us", region="us-*"),
        OwnerRule(owner_tag="Owner"),
    ]
    found = shown(world, config=Config(owners=rules))
    assert {n: r["owner"] for n, r in found.items()} == {"logs": "storage", "vol-a": "", "vol-b": "us"}
    with Store.open(world.data.path) as store:
        store.assign([found["logs"]["finding_id"]], "ada", "bo")
    assert shown(world, config=Config(owners=rules))["logs"]["owner"] == "ada"


@pytest.mark.parametrize(
    ("rules", "tags", "owner"),
    [
        ([OwnerRule(owner="x", tag="team")], {"team": ""}, "x"),
        ([OwnerRule(owner="x", tag="team")], {"t": "1"}, None),
        ([OwnerRule(owner="x", tag="team=pay*")], {"team": "payments"}, "x"),
        ([OwnerRule(owner="x", tag="team=pay")], {"team": "payments"}, None),
        ([OwnerRule(owner="x", tag="team=a=b")], {"team": "a=b"}, "x"),
        ([OwnerRule(owner_tag="Owner"), OwnerRule(owner="rest")], {"Owner": "O'Hara"}, "O'Hara"),
        ([OwnerRule(owner_tag="Owner"), OwnerRule(owner="rest")], {"Owner": ""}, "rest"),
        ([OwnerRule(owner_tag="Owner"), OwnerRule(owner="rest")], None, "rest"),
        ([OwnerRule(owner="x", tag="team"), OwnerRule(owner="y", account="1111*")], None, "y"),
        ([OwnerRule(owner="x", account="1111*", check="ec2-*")], {}, None),
        ([OwnerRule(owner="x", account="1111*", check="s3-*", resource="*:::logs")], {}, "x"),
        ([], {"team": "x"}, None),
    ],
)
def test_the_first_rule_that_fits(
    rules: list[OwnerRule], tags: dict[str, str] | None, owner: str | None
) -> None:
    row = {
        "check_id": BUCKETS,
        "account_id": ACCOUNT,
        "region": "eu-west-1",
        "resource_arn": "arn:aws:s3:::logs",
        "table_name": "s3_bucket",
    }
    with duckdb.connect() as connection:
        columns = ", ".join(f"'{value}' AS {name}" for name, value in row.items())
        keys = None if tags is None else list(tags)
        values = None if tags is None else list(tags.values())
        sql = f"SELECT {owner_sql(rules)} FROM (SELECT {columns}, MAP($1::VARCHAR[], $2::VARCHAR[]) AS tags)"
        if tags is None:
            sql = f"SELECT {owner_sql(rules)} FROM (SELECT {columns}, NULL::MAP(VARCHAR, VARCHAR) AS tags)"
            found = connection.execute(sql).fetchone()
        else:
            found = connection.execute(sql, [keys, values]).fetchone()
    assert found == (owner,)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ({"owner": "x"}, "is a list of rules"),
        ([{}], "either an owner or an owner_tag"),
        ([{"owner": "x", "owner_tag": "y"}], "either an owner or an owner_tag"),
        ([{"owner": "x", "tag": "=y"}], "tag is KEY or KEY=VALUE"),
        ([{"owner": "x", "team": "y"}], "rule 1 of `owners`"),
        ([{"owner": 3}], "rule 1 of `owners`"),
    ],
)
def test_wrong_rules(entries: Any, why: str) -> None:
    with pytest.raises(UserError, match=why):
        parse(entries, "partywall.yaml")


CHARS = st.text(alphabet="ab-*?[]!^\\.|~&\n'", max_size=8)


@settings(max_examples=150, deadline=None)
@given(globs=st.lists(CHARS, min_size=1, max_size=4), texts=st.lists(CHARS, min_size=1, max_size=8))
def test_globs_in_sql_mean_what_they_mean_elsewhere(globs: list[str], texts: list[str]) -> None:
    with duckdb.connect() as connection:
        columns = ", ".join(glob_sql("x", glob) for glob in globs)
        for text in texts:
            found = connection.execute(f"SELECT {columns} FROM (SELECT ? AS x)", [text]).fetchone()
            assert found == tuple(fnmatchcase(text, glob) for glob in globs)


GLOBS = st.sampled_from(["*", "s3-*", "ec2-x", "1111*", "222", "eu-*", "arn:*:logs", "arn:aws:s3:::*"])


@settings(max_examples=100, deadline=None)
@given(rules=st.lists(st.tuples(GLOBS, GLOBS, GLOBS, GLOBS), max_size=4))
def test_the_first_exception_that_covers_is_the_same_in_sql(rules: Sequence[tuple[str, ...]]) -> None:
    exceptions = [
        RiskException(
            reason=f"because {n}",
            owner="a",
            approver="b",
            expires=datetime(2030, 1, 1, tzinfo=UTC).date(),
            check=check,
            account=account,
            region=region,
            resource=resource,
        )
        for n, (check, account, region, resource) in enumerate(rules)
    ]
    rows = [
        (check, account, region, arn)
        for check in ("s3-a", "ec2-x")
        for account in ("1111", "222")
        for region in ("eu-west-1", "us-east-1")
        for arn in ("arn:aws:s3:::logs", "arn:x:logs", "")
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (check_id VARCHAR, account_id VARCHAR, region VARCHAR, resource_arn VARCHAR,"
            " finding_id VARCHAR)"
        )
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, '')", rows)
        told = connection.execute(
            f"SELECT check_id, account_id, region, resource_arn, {exception_sql(exceptions)} FROM t"
        ).fetchall()
    for *row, reason in told:
        assert reason == next((e.reason for e in exceptions if e.covers(*row)), "")
