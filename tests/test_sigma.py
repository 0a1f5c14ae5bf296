"""Compiled rules against the reference evaluator: zero differences, over cases, real events and made ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.detections.sigma import fields, oracle, rules
from partywall.detections.sigma.engine import Engine
from partywall.detections.sigma.nodes import (
    And,
    Clock,
    Compare,
    Exists,
    Leaf,
    Network,
    Node,
    Not,
    Null,
    Number,
    Or,
    Order,
    Regex,
    SameAs,
    Text,
    TimePart,
    Wild,
)
from partywall.detections.sigma.rules import About, Rule

DATA = Path(__file__).parents[2] / "shared/data/cloudtrail"


def rule(node: Node, name: str = "r") -> Rule:
    about = About(name, "", name, "medium", "", "", (), (), (), Path("x.yml"), 1)
    return Rule(about, node)


def parsed(tmp_path: Path, detection: dict[str, Any]) -> Rule:
    """A rule of a detection, through its file and pySigma."""
    document = {
        "title": "t",
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": detection,
    }
    (tmp_path / "r.yml").write_text(yaml.safe_dump(document))
    loaded = rules.load([tmp_path / "r.yml"])
    assert not loaded.problems, loaded.problems
    return loaded.rules[0]


def compiled(asked: list[Rule], records: list[dict[str, Any]]) -> set[tuple[str, int]]:
    numbered = [{**record, "eventID": f"{n:06}"} for n, record in enumerate(records)]
    with duckdb.connect() as connection:
        connection.register("events", fields.table(numbered))
        return set(Engine(asked, fields.cloudtrail()).run(connection, "SELECT * FROM events").pairs())


def reference(asked: list[Rule], records: list[dict[str, Any]]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for n, record in enumerate(records):
        whole = {**record, "eventID": f"{n:06}"}
        raw = fields.compact(whole)
        found |= {(f"{n:06}", i) for i, r in enumerate(asked) if oracle.matches(r.condition, whole, raw)}
    return found


# (detection's selection, a record's requestParameters or whole fields, whether it matches)
CASES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"eventName": "createuser"}, {"eventName": "CreateUser"}, True),
    ({"eventName|cased": "createuser"}, {"eventName": "CreateUser"}, False),
    ({"eventName": "Create*"}, {"eventName": "CreateUser"}, True),
    ({"eventName": "Create?ser"}, {"eventName": "CreateUser"}, True),
    ({"eventName": r"Create\*"}, {"eventName": "CreateUser"}, False),
    ({"eventName": r"Create\*"}, {"eventName": "Create*"}, True),
    ({"eventName|contains": "a_b%"}, {"eventName": "xa_b%y"}, True),
    ({"eventName|contains": "a_b%"}, {"eventName": "xaXb%y"}, False),
    ({"eventName|contains": "c\\d"}, {"eventName": "abc\\def"}, True),
    ({"eventName|endswith": ["x", "User"]}, {"eventName": "CreateUser"}, True),
    ({"eventName|contains|all": ["Create", "User"]}, {"eventName": "CreateUser"}, True),
    ({"eventName|contains|all": ["Create", "Role"]}, {"eventName": "CreateUser"}, False),
    ({"eventName|re": "^C.*r$"}, {"eventName": "CreateUser"}, True),
    ({"eventName|re": "^c.*r$"}, {"eventName": "CreateUser"}, False),
    ({"eventName|re|i": "^c.*r$"}, {"eventName": "CreateUser"}, True),
    ({"eventName|re|s": "a.b"}, {"eventName": "a\nb"}, True),
    ({"eventName|re": "a.b"}, {"eventName": "a\nb"}, False),
    ({"errorCode": None}, {}, True),
    ({"errorCode": None}, {"errorCode": None}, True),
    ({"errorCode": None}, {"errorCode": "x"}, False),
    ({"errorCode": ""}, {}, False),
    ({"errorCode": ""}, {"errorCode": ""}, True),
    ({"errorCode|exists": False}, {}, True),
    ({"errorCode|exists": True}, {"errorCode": "x"}, True),
    ({"errorCode|neq": "x"}, {}, True),
    ({"requestParameters.n": 5}, {"requestParameters": {"n": 5}}, True),
    ({"requestParameters.n": 5}, {"requestParameters": {"n": "5"}}, True),
    ({"requestParameters.n": 5}, {"requestParameters": {"n": 5.0}}, True),
    ({"requestParameters.n": "5"}, {"requestParameters": {"n": 5}}, True),
    ({"requestParameters.n": 5}, {"requestParameters": {"n": "5x"}}, False),
    ({"requestParameters.n|gte": 10}, {"requestParameters": {"n": 9}}, False),
    ({"requestParameters.n|gte": 10}, {"requestParameters": {"n": "10"}}, True),
    ({"requestParameters.n|lt": 10}, {"requestParameters": {"n": [20, 3]}}, True),
    ({"requestParameters.n|lt": 10}, {}, False),
    ({"requestParameters.b": True}, {"requestParameters": {"b": True}}, True),
    ({"requestParameters.b": "true"}, {"requestParameters": {"b": True}}, True),
    ({"requestParameters.b": False}, {"requestParameters": {}}, False),
    ({"requestParameters.l": "b"}, {"requestParameters": {"l": ["a", "b"]}}, True),
    ({"requestParameters.l": None}, {"requestParameters": {"l": []}}, True),
    ({"requestParameters.l": None}, {"requestParameters": {"l": [None]}}, True),
    ({"requestParameters.a.b.c": "x"}, {"requestParameters": {"a": [{"b": [[{"c": "x"}]]}]}}, True),
    ({"requestParameters.a.b": "x"}, {"requestParameters": {"a.b": "x"}}, True),
    ({"requestParameters.a|contains": '"k":1'}, {"requestParameters": {"a": {"k": 1}}}, True),
    ({"requestParameters|contains": "needle"}, {"requestParameters": {"a": ["x", {"b": "needle"}]}}, True),
    ({"requestParameters.a|exists": True}, {"requestParameters": {"a": {}}}, True),
    ({"sourceIPAddress|cidr": "10.0.0.0/8"}, {"sourceIPAddress": "10.9.8.7"}, True),
    ({"sourceIPAddress|cidr": "10.0.0.0/8"}, {"sourceIPAddress": "11.9.8.7"}, False),
    ({"sourceIPAddress|cidr": "10.0.0.0/8"}, {"sourceIPAddress": "ec2.amazonaws.com"}, False),
    ({"sourceIPAddress|cidr": "2001:db8::/32"}, {"sourceIPAddress": "2001:DB8::1"}, True),
    ({"eventName": "?*"}, {"eventName": "ab"}, True),
    ({"eventName": "*?"}, {"eventName": ""}, False),
    ({"sourceIPAddress|cidr": "::/0"}, {"sourceIPAddress": "1.2.3.4"}, False),
    ({"requestParameters.ip|cidr": "10.0.0.0/8"}, {"requestParameters": {"ip": ["1.1", "10.0.0.1"]}}, True),
    ({"eventName|fieldref": "errorCode"}, {"eventName": "X", "errorCode": "x"}, True),
    ({"eventName|fieldref": "errorCode"}, {"eventName": "X"}, False),
    ({"requestParameters.p|fieldref|contains": "recipientAccountId"},
     {"requestParameters": {"p": "arn::1234:x"}, "recipientAccountId": "1234"}, True),
    ({"eventName|base64": "hi"}, {"eventName": "aGk="}, True),
    ({"eventName|base64offset|contains": "secret"}, {"eventName": "c3h4c2VjcmV0"}, True),
    ({"eventName|windash|contains": " -x"}, {"eventName": "a /x"}, True),
    ({"eventTime|hour": 3}, {"eventTime": "2026-01-02T03:04:05Z"}, True),
    ({"eventTime|week": 53}, {"eventTime": "2027-01-01T03:04:05Z"}, True),
    ({"eventTime|year": 2026}, {"eventTime": "2027-01-01T03:04:05Z"}, False),
    ({"whatever.not.there": "x"}, {"whatever": {"not": {"there": "X"}}}, True),
]  # fmt: skip


@pytest.mark.parametrize(("selection", "record", "wanted"), CASES, ids=lambda v: str(v)[:60])
def test_meaning_of_tests(
    tmp_path: Path, selection: dict[str, Any], record: dict[str, Any], wanted: bool
) -> None:
    """The reference says what the case says, and SQL says what the reference says, plain and under `not`."""
    plain = parsed(tmp_path, {"s": selection, "condition": "s"})
    negated = parsed(tmp_path, {"s": selection, "condition": "not s"})
    assert reference([plain, negated], [record]) == {("000000", 0 if wanted else 1)}
    assert compiled([plain, negated], [record]) == {("000000", 0 if wanted else 1)}


def test_conditions_and_keywords(tmp_path: Path) -> None:
    records = [{"eventName": n, "requestParameters": {"text": t}} for n in "abc" for t in ("Needle", "hay")]
    detection = {"s_a": {"eventName": "a"}, "s_b": {"eventName": "b"}, "k": ["needle", "xyz"]}
    for condition, wanted in (
        ("1 of s_*", 4),
        ("all of s_*", 0),
        ("1 of s_* and k", 2),
        ("k and not 1 of s_*", 1),
        ("1 of them", 5),
        ("not (s_a or s_b)", 2),
        ("s_a or s_b and k", 3),
    ):
        asked = [parsed(tmp_path, {**detection, "condition": condition})]
        assert len(reference(asked, records)) == wanted, condition
        assert compiled(asked, records) == reference(asked, records), condition


WORDS = st.sampled_from(
    ["a", "A", "ab", "Ab", "aB*", "b?", "%", "_", "a_b", "\\", "é", "É", "İ", "ß", "K", "true", "5", "05",
     "5.0", "1e2", "-3", "10.0.0.1", "::1", "2001:db8::5", "", "x y", "\n", "a\nb", '"', "\u0000z",
     "2026-11-02T09:00:00Z"]
)  # fmt: skip
SCALARS = st.one_of(
    WORDS, st.integers(-9, 200), st.booleans(), st.none(), st.sampled_from([0.5, 100.0, 1e22])
)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner, max_size=3)
    ),
    max_leaves=6,
)
TEXTS = st.one_of(st.none(), WORDS)
RECORDS = st.fixed_dictionaries(
    {
        "eventSource": TEXTS,
        "eventName": TEXTS,
        "eventTime": st.sampled_from([None, "2026-11-02T09:00:00Z", "2027-01-01T23:59:59Z"]),
    },
    optional={
        "errorCode": TEXTS,
        "sourceIPAddress": TEXTS,
        "readOnly": st.booleans(),
        "userIdentity": st.dictionaries(st.sampled_from(["arn", "type", "userName"]), TEXTS, max_size=2),
        "requestParameters": NESTED,
        "extra": NESTED,
    },
)
NAMES = st.sampled_from(
    [
        "eventSource",
        "eventName",
        "eventTime",
        "errorCode",
        "sourceIPAddress",
        "readOnly",
        "userIdentity.arn",
        "userIdentity",
        "requestParameters",
        "requestParameters.a",
        "requestParameters.a.b",
        "extra.a",
        "extra",
    ]
)
PARTS = st.lists(st.one_of(WORDS.filter(bool), st.sampled_from(list(Wild))), max_size=3)
TESTS = st.one_of(
    st.builds(lambda parts, cased: Text(tuple(parts), cased), PARTS, st.booleans()),
    st.builds(Number, st.sampled_from([5, 100, -3, 0.5])),
    st.just(Null()),
    st.builds(Exists, st.booleans()),
    st.builds(Regex, st.sampled_from(["^a", "(?i)AB?$", "[0-9]+", "a.b", "(?s)a.b", "é", "^$", r"\d\."])),
    st.builds(Network, st.sampled_from(["10.0.0.0/8", "::/0", "2001:db8::/32", "0.0.0.0/0"])),
    st.builds(Compare, st.sampled_from(list(Order)), st.sampled_from([5, 99.5, -3])),
    st.builds(SameAs, NAMES, st.booleans(), st.booleans()),
    st.builds(TimePart, st.sampled_from(list(Clock)), st.sampled_from([9, 1, 2, 45, 53, 59, 2027])),
)
KEYWORDS = st.builds(
    lambda word, cased: Leaf(None, Text((Wild.ANY, word, Wild.ANY), cased)), WORDS.filter(bool), st.booleans()
)
NODES = st.recursive(
    st.one_of(st.builds(Leaf, NAMES, TESTS), KEYWORDS),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda items: And(tuple(items)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda items: Or(tuple(items)), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(NODES, min_size=1, max_size=12), st.lists(RECORDS, min_size=1, max_size=12))
def test_generated_rules_and_records(nodes: list[Node], records: list[dict[str, Any]]) -> None:
    asked = [rule(node, f"r{n}") for n, node in enumerate(nodes)]
    # What JSON can carry, as a file would.
    sound = [json.loads(json.dumps(record)) for record in records]
    assert compiled(asked, sound) == reference(asked, sound)


def recorded() -> list[dict[str, Any]]:
    if not DATA.is_dir():
        pytest.skip("shared/data/cloudtrail is not here")
    found: list[dict[str, Any]] = []
    for name in ("traildiscover", "panther_tests"):
        lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        found += [json.loads(line)["event"] for line in lines]
    return found


def test_our_rules_over_recorded_events() -> None:
    """Zero differences over every rule of ours and every recorded event."""
    records = recorded()
    ours = rules.load([rules.OURS]).rules
    # The reference takes 10 s for all: each event is asked a third of the rules.
    found = compiled(ours, records)
    wanted: set[tuple[str, int]] = set()
    skipped = 0
    for n, record in enumerate(records):
        whole = {**record, "eventID": f"{n:06}"}
        raw = fields.compact(whole)
        for i, each in enumerate(ours):
            if (n + i) % 3:
                skipped += 1
                found.discard((f"{n:06}", i))
            elif oracle.matches(each.condition, whole, raw):
                wanted.add((f"{n:06}", i))
    assert found == wanted
    assert len(wanted) > 300
    assert skipped
