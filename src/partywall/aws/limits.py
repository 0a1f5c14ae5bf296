"""How fast a scan may call each service: one adaptive token bucket per (account, region, service).

Rates are data (`LIMITS`): what AWS documents, or a careful default where it documents nothing, so that a scan
leaves most of the account's allowance to its own automation. A throttle cuts the rate; success wins it back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """Allowance of one service for one account and region: requests per second, burst, calls in flight."""

    rate: float
    burst: float
    concurrency: int = 10
    source: str = ""


DEFAULT = Limit(15, 30, 10, "careful default: AWS documents no request rate for this service")
_EC2 = "Request throttling for the Amazon EC2 API"

# Documented figures are the account's whole allowance; where a page gives one, the scan takes that or less.
LIMITS: dict[str, Limit] = {
    "accessanalyzer": Limit(10, 20),
    "account": Limit(5, 10, 4, "Quotas for AWS Account Management: 10 a second for reads"),
    "acm": Limit(5, 10, 5, "AWS Certificate Manager: Quotas, API rate quotas"),
    "apigateway": Limit(
        8, 40, 5, "Amazon API Gateway quotas: all operations together, 10 a second, burst 40"
    ),
    "apigateway:GetResources": Limit(2.5, 5, 2, "Amazon API Gateway quotas: GetResources, 5 in 2 seconds"),
    "artifact": Limit(2, 5, 2),
    "autoscaling": Limit(15, 50, 10, _EC2),
    "backup": Limit(10, 20),
    "cloudformation": Limit(5, 10, 5),
    "cloudfront": Limit(10, 20, 5),
    "cloudhsmv2": Limit(5, 10, 4),
    "cloudtrail": Limit(8, 10, 5, "Quotas in AWS CloudTrail: 10 a second for describe, get and list"),
    "cloudtrail:LookupEvents": Limit(2, 2, 1, "Quotas in AWS CloudTrail: LookupEvents, 2 a second"),
    "cloudwatch": Limit(9, 9, 8, "CloudWatch service quotas: DescribeAlarms, 9 a second"),
    "codebuild": Limit(10, 20),
    "config": Limit(8, 15, 5),
    "detective": Limit(5, 10, 4),
    "directconnect": Limit(5, 10, 4),
    "dynamodb": Limit(10, 20, 8, "Quotas in Amazon DynamoDB: control plane operations"),
    "ec2": Limit(20, 100, 20, _EC2),
    "ecr": Limit(15, 40),
    "ecs": Limit(20, 50, 10, "Request throttling for the Amazon ECS API"),
    "efs": Limit(10, 20, 8),
    "eks": Limit(10, 20, 8),
    "elasticache": Limit(10, 20, 8),
    "elb": Limit(10, 40, 10, "Elastic Load Balancing: request throttling"),
    "events": Limit(15, 40),
    "fms": Limit(5, 10, 4),
    "guardduty": Limit(10, 20, 8),
    "iam": Limit(20, 60, 16, "careful default: IAM throttles each account over all regions together"),
    "inspector2": Limit(8, 15, 5),
    "kms": Limit(50, 100, 16, "AWS KMS request quotas: DescribeKey 2000, ListGrants 100, GetKeyPolicy 1000"),
    "lambda": Limit(12, 15, 8, "Lambda quotas: other control plane API requests, 15 a second"),
    "lambda:GetFunction": Limit(50, 100, 10, "Lambda quotas: GetFunction API requests, 100 a second"),
    "lightsail": Limit(5, 10, 4),
    "logs": Limit(8, 10, 8, "CloudWatch Logs quotas: DescribeLogGroups, 10 a second"),
    "logs:DescribeMetricFilters": Limit(4, 5, 4, "CloudWatch Logs quotas: DescribeMetricFilters, 5 a second"),
    "macie2": Limit(5, 10, 4),
    "network-firewall": Limit(5, 10, 4),
    "opensearch": Limit(5, 10, 4),
    "organizations": Limit(5, 10, 4, "Quotas and service limits for AWS Organizations: throttling"),
    "rds": Limit(15, 40),
    "redshift": Limit(10, 20, 8),
    "resourcegroupstaggingapi": Limit(4, 5, 4, "Tagging API service quotas"),
    "route53": Limit(4, 5, 4, "Amazon Route 53 quotas: five requests a second for each account"),
    "route53domains": Limit(2, 5, 2),
    "s3": Limit(80, 200, 32),
    "s3control": Limit(20, 40),
    "secretsmanager": Limit(40, 50, 10, "AWS Secrets Manager quotas: DescribeSecret and ListSecrets"),
    "securityhub": Limit(8, 20, 5, "Security Hub API: other operations, 10 a second, burst 30"),
    "securityhub:GetFindings": Limit(3, 6, 3, "Security Hub API: GetFindings, 3 a second, burst 6"),
    "ses": Limit(1, 1, 1, "Amazon SES API: one request a second for most operations"),
    "shield": Limit(3, 5, 2),
    "sns": Limit(
        25, 30, 10, "Amazon SNS endpoints and quotas: ListTopics and GetTopicAttributes, 30 a second"
    ),
    "sqs": Limit(20, 50),
    "ssm": Limit(10, 30, 8),
    "sts": Limit(20, 40, 5),
    "waf": Limit(5, 10, 4),
    "waf-regional": Limit(5, 10, 4),
    "wafv2": Limit(5, 10, 4),
    "wellarchitected": Limit(5, 10, 4),
}

# One allowance for the whole account, whatever region the endpoint stands in.
GLOBAL_SERVICES = frozenset(
    {
        "account",
        "artifact",
        "cloudfront",
        "globalaccelerator",
        "iam",
        "organizations",
        "route53",
        "shield",
        "waf",
    }
)
# Two APIs of one service draw on one allowance.
_SHARES = {"apigatewayv2": "apigateway", "elbv2": "elb", "sesv2": "ses"}
_CUT = 0.5
_RECOVERY = 0.02
_CAREFUL_RECOVERY = 0.004
_SLOWEST = 0.2
# Answers that were under way when the rate was cut belong to the old rate.
_ROUND = 0.25


class _Bucket:
    """A token bucket whose debts are reservations, so that waiters are served in the order they came."""

    __slots__ = ("burst", "ceiling", "cut_at", "last_cut", "rate", "tokens", "updated")

    def __init__(self, limit: Limit, now: float) -> None:
        self.ceiling = limit.rate
        self.rate = limit.rate
        self.burst = max(1.0, limit.burst)
        self.tokens = self.burst
        self.updated = now
        self.last_cut = float("-inf")
        self.cut_at = float("inf")

    def reserve(self, now: float) -> float:
        """Take one token and return the seconds to wait until it is there."""
        self._refill(now)
        self.tokens -= 1
        return 0.0 if self.tokens >= 0 else -self.tokens / self.rate

    def cut(self, now: float) -> None:
        """Halve the rate and void the burst; at most once per round of answers already under way."""
        self._refill(now)
        self.tokens = min(self.tokens, 0.0)
        if now - self.last_cut < max(_ROUND, 1 / self.rate):
            return
        self.last_cut = now
        self.cut_at = self.rate
        self.rate = max(_SLOWEST, self.rate * _CUT)

    def win_back(self) -> None:
        """Rise fast while far below the rate that was cut, and slowly near it and above."""
        if self.rate < self.ceiling:
            step = _RECOVERY if self.rate < 0.7 * self.cut_at else _CAREFUL_RECOVERY
            self.rate = min(self.ceiling, self.rate + self.ceiling * step)

    def _refill(self, now: float) -> None:
        self.tokens = min(self.burst, self.tokens + (now - self.updated) * self.rate)
        self.updated = now


class RateGovernor:
    """Keeps every (account, region, service) within its allowance and backs off when AWS throttles.

    `max_rate` caps all requests together, per second. `scale` multiplies every allowance (0.5 is gentler).
    The clock and sleep are injected by tests.
    """

    def __init__(
        self,
        *,
        max_rate: float | None = None,
        scale: float = 1.0,
        limits: dict[str, Limit] | None = None,
        default: Limit = DEFAULT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = LIMITS if limits is None else limits
        self._default = default
        self._scale = scale
        self._clock = clock
        self._sleep = sleep
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._overall: _Bucket | None = None
        if max_rate is not None:
            self._overall = _Bucket(Limit(max_rate, max(1.0, max_rate / 10)), clock())
        self.throttles = 0

    def limit(self, service: str, operation: str = "") -> Limit:
        """The allowance in force for an operation, before any back-off."""
        shared = _SHARES.get(service, service)
        return self._limits.get(f"{service}:{operation}") or self._limits.get(shared) or self._default

    def allowance(self, account: str, region: str, service: str, operation: str = "") -> tuple[str, str, str]:
        """What draws on one allowance has one name: (account, region or "" for global ones, service)."""
        name = _SHARES.get(service, service)
        if operation and f"{service}:{operation}" in self._limits:
            name = f"{service}:{operation}"
        return account, "" if service in GLOBAL_SERVICES else region, name

    def rate(self, account: str, region: str, service: str, operation: str = "") -> float:
        """Requests per second that the bucket allows now."""
        return self._bucket(account, region, service, operation).rate

    async def acquire(self, account: str, region: str, service: str, operation: str = "") -> float:
        """Wait for permission to send one request; returns the seconds waited."""
        now = self._clock()
        wait = self._bucket(account, region, service, operation).reserve(now)
        if self._overall is not None:
            wait = max(wait, self._overall.reserve(now))
        if wait > 0:
            await self._sleep(wait)
        return wait

    def throttled(self, account: str, region: str, service: str, operation: str = "") -> None:
        """AWS throttled a request: halve the rate."""
        self.throttles += 1
        self._bucket(account, region, service, operation).cut(self._clock())

    def succeeded(self, account: str, region: str, service: str, operation: str = "") -> None:
        """AWS answered: win back a little of a rate that was cut."""
        self._bucket(account, region, service, operation).win_back()

    def _bucket(self, account: str, region: str, service: str, operation: str) -> _Bucket:
        key = self.allowance(account, region, service, operation)
        bucket = self._buckets.get(key)
        if bucket is None:
            limit = self.limit(service, operation)
            scaled = Limit(limit.rate * self._scale, limit.burst * self._scale)
            bucket = self._buckets[key] = _Bucket(scaled, self._clock())
        return bucket
