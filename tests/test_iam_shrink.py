"""Least privilege: what events mean, what the evidence suffices for, and what holds of every policy made."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.compare import Outcome as Compared
from partywall.analysis.iam.compare import no_new_access
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Outcome, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.shrink import Shrunk, replacement
from partywall.analysis.iam.shrink_evidence import Evidence, LastAccess, verdicts
from partywall.analysis.iam.shrink_render import LIMITS, escaped, size
from partywall.analysis.iam.usage import Usage, read
from partywall.analysis.iam.usage_actions import DATA_EVENTS, used_by
from partywall.cli.app import app
from partywall.errors import UserError

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
WHO = principal(ROLE)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def event(source: str, name: str, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An event as CloudTrail writes it, of a session of the role."""
    return {
        "eventVersion": "1.11",
        "eventTime": "2026-11-10T08:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT,
        "managementEvent": True,
        "eventCategory": "Management",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE}},
        },
        "requestParameters": params or {},
        **more,
    }


def written(path: Path, *events: dict[str, Any]) -> Path:
    """A file as CloudTrail delivers it."""
    path.write_bytes(gzip.compress(json.dumps({"Records": list(events)}).encode()))
    return path


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def old(*documents: str) -> PolicySet:
    return PolicySet(parse(d, f"old {n}", principal=False) for n, d in enumerate(documents))


def made(usage: Usage, *documents: str, **more: Any) -> Shrunk:
    return replacement(ROLE, WHO, old(*documents), Evidence(usage, **more))


def usage_of(tmp_path: Path, *events: dict[str, Any]) -> Usage:
    return read([written(tmp_path / "a.json.gz", *events)], ROLE)


BUCKET = "arn:aws:s3:::shop"
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any], Any]] = [
    ("s3", "ListBuckets", {}, {}, [("s3:ListAllMyBuckets", ("arn:aws:s3:::*",))]),
    ("s3", "ListObjectsV2", {"bucketName": "shop"}, {}, [("s3:ListBucket", (BUCKET,))]),
    ("s3", "HeadObject", {"bucketName": "shop", "key": "a/b"}, {}, [("s3:GetObject", (f"{BUCKET}/a/b",))]),
    (
        "s3",
        "GetObject",
        {"bucketName": "shop", "key": "a", "versionId": "v"},
        {},
        [("s3:GetObject", (f"{BUCKET}/a",)), ("s3:GetObjectVersion", (f"{BUCKET}/a",))],
    ),
    ("s3", "DeleteObjects", {"bucketName": "shop"}, {}, [("s3:DeleteObject", None)]),
    (
        "s3",
        "DeleteObjects",
        {"bucketName": "shop"},
        {"resources": [{"type": "AWS::S3::Object", "ARNPrefix": f"{BUCKET}/"}]},
        [("s3:DeleteObject", None)],
    ),
    (
        "s3",
        "PutObject",
        {"bucketName": "shop", "key": "a", "x-amz-acl": "private"},
        {},
        [("s3:PutObject", (f"{BUCKET}/a",)), ("s3:PutObjectAcl", (f"{BUCKET}/a",))],
    ),
    (
        "lambda",
        "Invoke",
        {"functionName": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"},
        {},
        [("lambda:InvokeFunction", (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",))],
    ),
    (
        "lambda",
        "UpdateFunctionCode20150331v2",
        {"functionName": "f"},
        {},
        [("lambda:UpdateFunctionCode", (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",))],
    ),
    (
        "lambda",
        "CreateFunction20150331",
        {"functionName": "f", "role": ROLE},
        {},
        [
            ("lambda:CreateFunction", (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",)),
            ("iam:PassRole", (ROLE,)),
        ],
    ),
    ("monitoring", "DescribeAlarms", {}, {}, [("cloudwatch:DescribeAlarms", None)]),
    ("monitoring", "ListMetrics", {}, {}, [("cloudwatch:ListMetrics", None)]),
    ("ec2", "DescribeInstances", {}, {}, [("ec2:DescribeInstances", ("*",))]),
    ("sts", "GetCallerIdentity", {}, {}, []),
    ("signin", "ConsoleLogin", {}, {}, []),
    (
        "dynamodb",
        "GetItem",
        {"tableName": "orders"},
        {},
        [("dynamodb:GetItem", (f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders",))],
    ),
    ("kms", "Decrypt", {"keyId": "alias/app"}, {}, [("kms:Decrypt", None)]),
    (
        "kms",
        "Decrypt",
        {},
        {"resources": [{"ARN": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k", "type": "AWS::KMS::Key"}]},
        [("kms:Decrypt", (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k",))],
    ),
    ("nosuch", "DoIt", {}, {}, None),
    ("s3", "NoSuchCall", {}, {}, None),
]


@pytest.mark.parametrize(("source", "name", "params", "more", "expected"), CASES, ids=lambda v: str(v)[:30])
def test_what_an_event_used(
    source: str, name: str, params: dict[str, Any], more: dict[str, Any], expected: Any
) -> None:
    assert used_by(event(source, name, params, **more)) == expected


def test_files_of_each_form_are_read(tmp_path: Path) -> None:
    one = event("ec2", "DescribeInstances")
    folder = tmp_path / "AWSLogs" / ACCOUNT / "CloudTrail"
    folder.mkdir(parents=True)
    written(folder / "a.json.gz", one)
    (folder / "b.json").write_text(json.dumps({"Events": [{"CloudTrailEvent": json.dumps(one)}]}))
    (folder / "c.jsonl").write_text(json.dumps(one) + "\n" + json.dumps(one) + "\n")
    digest = tmp_path / "AWSLogs" / ACCOUNT / "CloudTrail-Digest"
    digest.mkdir()
    (digest / "d.json").write_text('{"digestEndTime": "2026"}')
    found = read([tmp_path], ROLE)
    assert found.events == found.own == found.uses["ec2:describeinstances"].count == 4


@pytest.mark.parametrize("text", [b"", b"no", b"[1]", b'{"a": 1}', b"\x1f\x8bno", b"{}", b"\xff"])
def test_what_is_no_file_of_events_is_told_in_one_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.json").write_bytes(text)
    with pytest.raises(UserError):
        read([tmp_path / "x.json"], ROLE)


def test_denied_calls_and_other_principals_are_not_used(tmp_path: Path) -> None:
    denied = event("ec2", "RunInstances", errorCode="Client.UnauthorizedOperation")
    other = event("ec2", "StopInstances", userIdentity={"arn": f"arn:aws:iam::{ACCOUNT}:user/x"})
    failed = event("s3", "GetBucketPolicy", {"bucketName": "shop"}, errorCode="NoSuchBucketPolicy")
    found = usage_of(tmp_path, denied, other, failed)
    assert set(found.uses) == {"s3:getbucketpolicy"}


def test_unused_actions_go_and_resources_are_narrowed(tmp_path: Path) -> None:
    usage = usage_of(
        tmp_path,
        event("ec2", "DescribeInstances"),
        event("s3", "GetObject", {"bucketName": "shop", "key": "a"}, eventCategory="Data"),
    )
    result = made(
        usage,
        policy(
            allow(["ec2:*", "iam:*", "s3:*"]),
            {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*", "Sid": "No"},
        ),
        drop=("s3:*",),
    )
    # What makes no event of its own stays where the service is used, unless somebody says otherwise.
    assert all(n.startswith("ec2:") for n in result.verdicts.whole)
    ec2 = made(usage, policy(allow("ec2:*")), drop=("*",))
    assert [s["Action"] for s in ec2.documents[0]["Statement"]] == ["ec2:DescribeInstances"]
    result = made(
        usage,
        policy(
            allow(["ec2:*", "iam:*", "s3:*"]),
            {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*", "Sid": "No"},
        ),
        drop=("s3:*", "ec2:*"),
    )
    assert result.documents == [
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Deny", "Sid": "No", "Action": "s3:DeleteBucket", "Resource": "*"},
                {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"},
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/a"},
            ],
        }
    ]


def test_many_objects_become_a_pattern_within_the_old_one(tmp_path: Path) -> None:
    events = [
        event("s3", "GetObject", {"bucketName": "shop", "key": f"in/{n}"}, eventCategory="Data")
        for n in range(50)
    ]
    result = made(usage_of(tmp_path, *events), policy(allow("s3:*", f"{BUCKET}/*")), drop=("*",))
    assert result.documents[0]["Statement"][0]["Resource"] == f"{BUCKET}/in/*"
    assert result.documents[0]["Statement"][0]["Action"] == "s3:GetObject"
    narrow = made(usage_of(tmp_path, *events), policy(allow("s3:*", f"{BUCKET}/i*1")), drop=("*",))
    assert narrow.documents[0]["Statement"][0]["Resource"] == [
        f"{BUCKET}/in/{n}" for n in (1, 11, 21, 31, 41)
    ]


def test_a_pattern_with_a_variable_stays(tmp_path: Path) -> None:
    usage = usage_of(
        tmp_path, event("s3", "GetObject", {"bucketName": "shop", "key": "x/y"}, eventCategory="Data")
    )
    mine = f"{BUCKET}/${{aws:PrincipalTag/team}}/*"
    result = made(usage, policy(allow("s3:*", mine)), drop=("*",))
    assert result.documents[0]["Statement"][0]["Resource"] == mine


def test_names_that_look_like_patterns_are_taken_by_the_letter(tmp_path: Path) -> None:
    key = "a*b?${aws:username}"
    usage = usage_of(
        tmp_path, event("s3", "GetObject", {"bucketName": "shop", "key": key}, eventCategory="Data")
    )
    result = made(usage, policy(allow("s3:GetObject")))
    assert result.documents[0]["Statement"][0]["Resource"] == escaped(f"{BUCKET}/{key}")
    new = Policies(identity=PolicySet([parse(result.documents[0])]))
    for text, expected in ((key, Outcome.ALLOWED), ("aXb?x", Outcome.IMPLICITLY_DENIED)):
        request = Request(WHO, "s3:GetObject", Resource(f"{BUCKET}/{text}", ACCOUNT))
        assert decide(request, new).outcome is expected


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("s3:*", {}, "no data events of s3 are in the files"),
    ("ec2:*", {"since": NOW - timedelta(days=300)}, "the events begin on 2026-11-10, after --since"),
    ("ec2:NoSuchAction", {}, "AWS's reference knows no such action"),
]


@pytest.mark.parametrize(("action", "more", "sentence"), REFUSALS)
def test_it_refuses_where_the_evidence_does_not_suffice(
    tmp_path: Path, action: str, more: dict[str, Any], sentence: str
) -> None:
    usage = usage_of(tmp_path, event("ec2", "DescribeInstances"))
    with pytest.raises(UserError, match=sentence):
        made(usage, policy(allow(action)), **more)


def test_it_refuses_without_evidence_of_the_principal(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing tells what .* used"):
        replacement(ROLE, WHO, old(policy(allow("*"))), Evidence())
    usage = usage_of(tmp_path, event("ec2", "DescribeInstances", userIdentity={"arn": "x"}))
    with pytest.raises(UserError, match=r"none of the 1 events \(2026-11-10 to 2026-11-10\)"):
        made(usage, policy(allow("ec2:*")))
    odd = usage_of(tmp_path, event("nosuch", "DoIt"))
    with pytest.raises(UserError, match=r"nosuch\.amazonaws\.com:DoIt"):
        made(odd, policy(allow("ec2:*")))


def test_last_accesses_alone_tell_of_services_and_tracked_actions() -> None:
    report = {
        "ec2": LastAccess(NOW, {"describeinstances": NOW, "runinstances": None}),
        "sqs": LastAccess(None),
        "sns": LastAccess(NOW - timedelta(days=200)),
    }
    evidence = Evidence(report=report, since=NOW - timedelta(days=90))
    names = [
        "ec2:describeinstances",
        "ec2:runinstances",
        "ec2:stopinstances",
        "sqs:sendmessage",
        "sns:publish",
    ]
    found = verdicts([*names, "iam:getrole"], evidence)
    assert set(found.whole) == {"ec2:describeinstances"}
    assert found.unused == {"ec2:runinstances", "sqs:sendmessage", "sns:publish"}
    assert set(found.unknown) == {"ec2:stopinstances", "iam:getrole"}
    kept = Evidence(report=report, keep=("ec2:stop*", "iam:*"), since=evidence.since)
    result = replacement(ROLE, WHO, old(policy(allow("*"))), Evidence(report=report, keep_unknown=True))
    assert "sqs:sendmessage" in result.verdicts.unused
    assert not verdicts([*names, "iam:getrole"], kept).unknown


def test_a_large_policy_is_cut_into_documents_within_the_quota(tmp_path: Path) -> None:
    events = [
        event("sns", "GetTopicAttributes", {"topicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:{'t' * 200}{n}"})
        for n in range(18)
    ]
    events += [
        event("sqs", "GetQueueAttributes", {"a": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{'q' * 70}{n}"})
        for n in range(20)
    ]
    usage = usage_of(tmp_path, *events)
    usage.data_sources |= DATA_EVENTS
    result = made(
        usage, policy(allow(["sns:*", "sqs:*", "ec2:*"]), allow("logs:*")), keep=("logs:*", "ec2:*")
    )
    assert len(result.documents) > 1
    assert all(size(d) <= 6144 for d in result.documents)
    with pytest.raises(UserError, match="2048 characters"):
        replacement(ROLE, WHO, old(policy(allow("*"))), Evidence(usage, keep=("ec2:*",)), "user")


ACTIONS = (
    *("ec2:DescribeInstances", "ec2:StopInstances", "ec2:RunInstances", "iam:GetRole", "iam:PassRole"),
    *("s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "cloudwatch:ListMetrics"),
)
RESOURCES = {
    "s3": ("arn:aws:s3:::shop", "arn:aws:s3:::shop/a", "arn:aws:s3:::shop/b/c", "arn:aws:s3:::other/a*"),
    "ec2": ("*", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"),
    "iam": (ROLE, f"arn:aws:iam::{ACCOUNT}:role/path/other"),
    "sqs": (f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:r"),
    "cloudwatch": ("*",),
}
_patterns = st.sampled_from(
    ("*", "s3:*", "s3:Get*", "s3:*Object", "ec2:*", "ec2:Describe*", "iam:*", "sqs:SendMessage", *ACTIONS)
)
_resources = st.sampled_from(
    (
        *(
            "*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::shop/*",
            "arn:aws:s3:::shop/${aws:username}",
            "arn:aws:s3:::?hop/b/*",
        ),
        *("arn:aws:ec2:*:*:instance/*", f"arn:aws:iam::{ACCOUNT}:role/*", "arn:aws:sqs:*:*:q"),
    )
)
_condition = st.sampled_from(
    (
        {},
        {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringLike": {"aws:PrincipalTag/team": ["a*", "${aws:username}"]}, "Null": {"aws:SourceVpc": True}},
    )
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(st.sampled_from(("Action", "Action", "Action", "NotAction")))
    resource = draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource")))
    body: dict[str, Any] = {
        "Effect": draw(st.sampled_from(("Allow", "Allow", "Allow", "Deny"))),
        action: draw(st.lists(_patterns, min_size=1, max_size=3)),
        resource: draw(st.lists(_resources, min_size=1, max_size=2)),
    }
    if condition := draw(_condition):
        body["Condition"] = condition
    return body


documents = st.builds(
    lambda version, body: json.dumps({"Version": version, "Statement": body}),
    st.sampled_from(("2012-10-17", "2012-10-17", "2008-10-17")),
    st.lists(statements(), min_size=1, max_size=4),
)
calls = st.lists(
    st.sampled_from([(a, r) for a in ACTIONS for r in (*RESOURCES[a.partition(":")[0]], None)]), max_size=6
)


@settings(max_examples=60, deadline=None)
@given(st.lists(documents, min_size=1, max_size=2), calls, st.sampled_from(((), ("s3:*",), ("ec2:Run*",))))
def test_it_keeps_all_that_was_used_and_adds_nothing(
    before: list[str], used: list[tuple[str, str | None]], keep: tuple[str, ...]
) -> None:
    usage = Usage(data_sources=set(DATA_EVENTS), first=NOW, last=NOW, events=1, own=1)
    from partywall.analysis.iam.usage import Use

    for action, resource in used:
        use = usage.uses.setdefault(action.lower(), Use(action, NOW))
        if resource is None:
            use.unknown = True
        else:
            use.resources[resource] = NOW
    policies = old(*before)
    result = replacement(ROLE, WHO, policies, Evidence(usage, keep=keep, keep_unknown=True))
    assert all(size(d) <= LIMITS["managed"] for d in result.documents)
    new = PolicySet(parse(d, principal=False) for d in result.documents)
    assert not any(p.problems for p in new.policies)
    rank = {
        Outcome.EXPLICITLY_DENIED: 0,
        Outcome.IMPLICITLY_DENIED: 0,
        Outcome.DEPENDS: 1,
        Outcome.ALLOWED: 2,
    }
    for action in ACTIONS:
        for resource in RESOURCES[action.partition(":")[0]]:
            request = Request(WHO, action, Resource(resource, ACCOUNT))
            then = rank[decide(request, Policies(identity=policies)).outcome]
            now = rank[decide(request, Policies(identity=new)).outcome]
            assert now <= then
            if (action, resource) in used or (action, None) in used:
                assert now == then
    old_whole = [s for d in before for s in json.loads(d)["Statement"]]
    if all('"2008' not in d for d in before):
        new_whole = [s for d in result.documents for s in d["Statement"]]
        compared = no_new_access(
            {"Version": "2012-10-17", "Statement": old_whole},
            {"Version": "2012-10-17", "Statement": new_whole},
        )
        assert compared.outcome is not Compared.NEW


def test_the_command_prints_a_policy_for_each_tool(tmp_path: Path) -> None:
    details = {
        "RoleDetailList": [
            {
                "Arn": ROLE,
                "RoleName": "app",
                "RoleId": "AROA1",
                "AssumeRolePolicyDocument": json.loads(policy()),
                "RolePolicyList": [
                    {"PolicyName": "own", "PolicyDocument": json.loads(policy(allow(["ec2:*", "iam:*"])))}
                ],
                "AttachedManagedPolicies": [],
            }
        ]
    }
    file = tmp_path / "gaad.json"
    file.write_text(json.dumps(details))
    events = written(tmp_path / "e.json.gz", event("ec2", "DescribeInstances"))
    arguments = ["iam", "shrink", "role/app", "--from-file", str(file), "--events", str(events)]
    arguments += ["--drop", "ec2:*"]
    wanted = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}],
    }
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == wanted
    assert "actions before, 1 after" in told.stderr
    template = json.loads(CliRunner().invoke(app, [*arguments, "--format", "cfn"]).stdout)
    one = template["Resources"]["LeastPrivilege1"]["Properties"]
    assert one["Roles"] == ["app"] and one["PolicyDocument"] == wanted
    module = json.loads(CliRunner().invoke(app, [*arguments, "--format", "terraform"]).stdout)["resource"]
    assert json.loads(module["aws_iam_policy"]["app_1"]["policy"]) == wanted
    refused = CliRunner().invoke(app, [*arguments, "--since", "900d"])
    assert isinstance(refused.exception, UserError)
    assert find("ec2:DescribeInstances")
