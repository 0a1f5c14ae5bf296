"""Exact decisions a second, single-threaded, each on a fresh request and with its statements reported.

Run: `python benchmarks/iam_decisions.py [DECISIONS]`. Prints CPU time, decisions a second and outcomes. The
policies are of the size of a grown account: twelve statements of identity, a boundary, two levels of SCPs,
a bucket policy; conditions, variables and tags among them.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.principal import Principal, principal

ACCOUNT = "111122223333"
SERVICES = ("ec2", "sqs", "sns", "dynamodb", "lambda", "kms", "logs", "events", "glue", "ecr")
GOAL = 50_000


def policies(name: str, *statements: dict[str, Any]) -> PolicySet:
    """One policy of some statements as a layer."""
    return PolicySet([parse({"Version": "2012-10-17", "Statement": list(statements)}, name)])


def layers() -> Policies:
    """The policies of one role."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    identity = [
        {"Effect": "Allow", "Action": f"{s}:Describe*", "Resource": f"arn:aws:{s}:*:{ACCOUNT}:*"}
        for s in SERVICES
    ]
    identity += [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::data-*/*"},
        {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::home/${aws:PrincipalTag/team}/*",
            "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
        },
    ]
    secure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    region = {
        "Effect": "Deny",
        "NotAction": ["iam:*", "sts:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
    }
    return Policies(
        identity=policies("identity", *identity),
        resource=policies("bucket", secure),
        boundary=policies("boundary", everything, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
        scps=(policies("root", everything), policies("account", everything, region)),
    )


def requests() -> list[tuple[Principal, str, str]]:
    """What is asked: allowed, implicitly denied, explicitly denied and open requests in turn."""
    who = principal(
        f"arn:aws:iam::{ACCOUNT}:role/app", tags={"team": "blue"}, organization="o-abc", unique_id="AROA1"
    )
    return [
        (who, "s3:GetObject", "arn:aws:s3:::data-1/key"),
        (who, "s3:PutObject", "arn:aws:s3:::home/blue/key"),
        (who, "s3:GetObject", "arn:aws:s3:::other/key"),
        (who, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/eve"),
        (who, "sqs:DescribeQueue", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue"),
        (who, "ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"),
    ]


def measure(count: int) -> tuple[float, Counter[str]]:
    """CPU seconds of `count` decisions, and their outcomes."""
    bearing, asked = layers(), requests()
    outcomes: Counter[str] = Counter()
    began = time.process_time()
    for n in range(count):
        who, action, arn = asked[n % len(asked)]
        known = {"aws:RequestedRegion": "eu-west-1", "aws:SecureTransport": "true"} if n % 4 else {}
        request = Request(who, action, Resource(arn, ACCOUNT), Context(known))
        outcomes[decide(request, bearing).outcome] += 1
    return time.process_time() - began, outcomes


def main() -> None:
    """Measures, and exits 1 below the goal."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    measure(2_000)
    seconds, outcomes = measure(count)
    print(f"{count:,} decisions in {seconds:.2f} s of CPU: {count / seconds:,.0f} a second (goal {GOAL:,})")
    print(", ".join(f"{name} {number:,}" for name, number in outcomes.most_common()))
    sys.exit(0 if count / seconds >= GOAL else 1)


if __name__ == "__main__":
    main()
