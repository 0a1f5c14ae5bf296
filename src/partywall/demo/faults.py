"""Faults that the emulator injects, worded and shaped as AWS words and shapes them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from partywall.demo.http import Reply
from partywall.demo.identify import Target
from partywall.demo.protocol import AwsError, write_error

Kind = Literal[
    "deny", "throttle", "rate", "error", "cut", "malformed", "region_disabled", "opt_in", "latency"
]
Policy = Literal["identity", "resource", "scp", "rcp", "boundary", "session", "endpoint"]

_POLICY_WORDS = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "scp": "service control policy",
    "rcp": "resource control policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "endpoint": "VPC endpoint policy",
}
_IAM_PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "apigatewayv2": "apigateway",
    "cloudhsmv2": "cloudhsm",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "opensearch": "es",
    "s3control": "s3",
    "sesv2": "ses",
    "sso-admin": "sso",
    "stepfunctions": "states",
    "resourcegroupstaggingapi": "tag",
}
# Operations of S3 whose IAM action has another name ("Actions, resources, and condition keys for Amazon S3").
_S3_ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
}
_TRUNCATED_JSON = b'{"Unfinished": [{"Name": "'
_TRUNCATED_XML = b"<Response><Unfinished><Name>"


@dataclass(slots=True)
class Fault:
    """A fault on matching requests; None or "*" matches all.

    `times` limits how many requests it hits (None: all). `explicit` words a denial as an explicit deny.
    `rate` is requests per second and per account and region, `latency_ms` milliseconds. `code`,
    `message` and `status` replace AWS's own.
    """

    kind: Kind
    service: str = "*"
    operation: str = "*"
    account: str | None = None
    region: str | None = None
    times: int | None = None
    policy: Policy = "identity"
    explicit: bool = False
    rate: float = 0.0
    latency_ms: float = 0.0
    code: str = ""
    message: str = ""
    status: int = 0
    hits: int = 0
    _buckets: dict[tuple[str, str, str], tuple[float, float]] = field(
        default_factory=dict[tuple[str, str, str], tuple[float, float]]
    )

    def matches(self, target: Target, account: str) -> bool:
        """Whether the fault is for this request, its hits not counted."""
        return (
            self.service in ("*", target.service)
            and self.operation in ("*", target.operation)
            and self.account in (None, "*", account)
            and self.region in (None, "*", target.region)
        )

    def strikes(self, target: Target, account: str) -> bool:
        """Whether the fault hits this request now; counts the hit."""
        if not self.matches(target, account) or (self.times is not None and self.hits >= self.times):
            return False
        if self.kind == "rate" and self._within_rate((account, target.region, target.service)):
            return False
        self.hits += 1
        return True

    def _within_rate(self, key: tuple[str, str, str]) -> bool:
        now = time.monotonic()
        burst = max(1.0, self.rate)
        tokens, at = self._buckets.get(key, (burst, now))
        tokens = min(burst, tokens + (now - at) * self.rate)
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1


def iam_action(target: Target) -> str:
    """The IAM action in AWS's messages about an operation."""
    if target.service == "s3":
        return f"s3:{_S3_ACTIONS.get(target.operation, target.operation)}"
    return f"{_IAM_PREFIXES.get(target.service, target.service)}:{target.operation}"


def _denied(fault: Fault, target: Target, protocol: str, principal: str) -> AwsError:
    """As in "Troubleshoot access denied error messages" of the IAM User Guide."""
    action = iam_action(target)
    words = _POLICY_WORDS[fault.policy]
    because = f"with an explicit deny in a{'n' if words[0] in 'aeiou' else ''} {words}"
    if not fault.explicit:
        because = f"because no {words} allows the {action} action"
    message = f"User: {principal} is not authorized to perform: {action} {because}"
    if protocol == "ec2":
        message = f"You are not authorized to perform this operation. {message}"
        return AwsError("UnauthorizedOperation", message, 403)
    if target.service == "sns":
        return AwsError("AuthorizationError", message, 403)
    if protocol in ("query", "rest-xml"):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400 if protocol == "json" else 403)


def _throttled(target: Target, protocol: str) -> AwsError:
    if protocol == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    if target.service == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", 503)
    if protocol == "rest-json":
        return AwsError("TooManyRequestsException", "Rate exceeded", 429)
    return AwsError("ThrottlingException" if protocol == "json" else "Throttling", "Rate exceeded")


def _region_disabled(target: Target, protocol: str) -> AwsError:
    if protocol == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return AwsError("AuthFailure", message, 401)
    if target.service == "s3":
        return AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.")
    message = "The security token included in the request is invalid."
    if protocol in ("query", "rest-xml"):
        return AwsError("InvalidClientTokenId", message, 403)
    return AwsError("UnrecognizedClientException", message, 400 if protocol == "json" else 403)


def _error_of(fault: Fault, target: Target, protocol: str, principal: str) -> AwsError | None:
    error: AwsError | None = None
    if fault.kind == "deny":
        error = _denied(fault, target, protocol, principal)
    elif fault.kind in ("throttle", "rate"):
        error = _throttled(target, protocol)
    elif fault.kind == "region_disabled":
        error = _region_disabled(target, protocol)
    elif fault.kind == "opt_in":
        error = AwsError("OptInRequired", "The AWS Access Key Id needs a subscription for the service", 403)
    elif fault.kind == "error":
        code = "InternalError" if protocol == "ec2" or target.service == "s3" else "InternalFailure"
        error = AwsError(code, "We encountered an internal error. Please try again.", 500)
    if error is not None:
        error.code = fault.code or error.code
        error.message = fault.message or error.message
        error.status = fault.status or error.status
    return error


class Faults:
    """The faults in force; safe to change from another thread while requests are served."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Put faults in force, behind those that are."""
        with self._lock:
            self._faults = [*self._faults, *faults]

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._faults = []

    def __bool__(self) -> bool:
        return bool(self._faults)

    def before(self, target: Target, account: str, protocol: str, principal: str) -> Reply | None:
        """The error that is answered in the request's place, if any."""
        for fault in self._faults:
            if fault.kind in ("latency", "cut", "malformed") or not fault.strikes(target, account):
                continue
            error = _error_of(fault, target, protocol, principal)
            if error is not None:
                return write_error(target.service, protocol, error)
        return None

    def after(self, target: Target, account: str, protocol: str, reply: Reply) -> Reply:
        """The reply as latency, cuts and malformed bodies leave it."""
        for fault in self._faults:
            if fault.kind not in ("latency", "cut", "malformed") or not fault.strikes(target, account):
                continue
            if fault.kind == "latency":
                reply.delay += fault.latency_ms / 1000
            elif fault.kind == "cut":
                reply.cut = len(reply.body) // 2
            else:
                reply.body = _TRUNCATED_JSON if "json" in protocol else _TRUNCATED_XML
                reply.status = 200
        return reply
