"""How AWS answered: outcomes, failures, and what an error code means for a scan."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What one API call came to. Only OK and EMPTY are answers; all others leave the question open."""

    OK = "ok"
    EMPTY = "empty"
    DENIED = "denied"
    THROTTLED = "throttled"
    REGION_DISABLED = "region_disabled"
    NOT_SUPPORTED = "not_supported"
    ERROR = "error"


class CallFailed(Exception):
    """One attempt of one API call failed.

    `code` is AWS's error code, or one of ours where AWS sent none: MalformedAnswer, ConnectionCut,
    ConnectionFailed, EndpointUnresolved, Timeout, TlsFailed, InvalidRequest. `status` is the HTTP status
    (0 without an answer); `denied_by` names the policy type that AWS's message blames, else "".
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        status: int = 0,
        *,
        outcome: Outcome | None = None,
        denied_by: str | None = None,
        retryable: bool | None = None,
        headers: dict[str, str] | None = None,
        bucket_region: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.status = status
        self.outcome = outcome if outcome is not None else classify(code, message, status)
        if denied_by is None:
            denied_by = blamed_policy(message) if self.outcome is Outcome.DENIED else ""
        self.denied_by = denied_by
        self.retryable = retryable if retryable is not None else is_retryable(code, status, self.outcome)
        self.headers = headers or {}
        self.bucket_region = bucket_region

    @property
    def credentials_refused(self) -> bool:
        """Whether the service refused the credentials themselves, not what they may do."""
        return credentials_refused(self.code, self.message)


class CredentialsExpired(Exception):
    """The credentials are no longer accepted anywhere, not even once refreshed: the scan must pause."""

    def __init__(self, message: str, *, account_id: str = "", code: str = "") -> None:
        super().__init__(message)
        self.account_id = account_id
        self.code = code


@dataclass(slots=True)
class CallRecord:
    """One API call with all its attempts: a row of the table `api_call`. Holds identifiers, never secrets."""

    account_id: str
    region: str
    service: str
    operation: str
    arguments: str
    table: str
    outcome: Outcome
    error_code: str = ""
    error_message: str = ""
    denied_by: str = ""
    attempts: int = 1
    throttles: int = 0
    latency_ms: float = 0.0
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


# Service error codes, from the pages "Common error types", "Error codes for the Amazon EC2 API" and "Error
# responses" (S3), and from the error shapes of botocore's models.
DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccessDeniedFault",
        "AllAccessDisabled",
        "AuthorizationError",
        "AuthorizationErrorException",
        "AuthorizationException",
        "Client.UnauthorizedOperation",
        "Forbidden",
        "ForbiddenException",
        "InsufficientPrivilegesException",
        "InvalidAccessException",
        "NotAuthorized",
        "NotAuthorizedException",
        "UnauthorizedAccess",
        "UnauthorizedAccessException",
        "UnauthorizedException",
        "UnauthorizedOperation",
        "UserUnauthorizedException",
    }
)
THROTTLED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
REGION_DISABLED_CODES = frozenset({"RegionDisabledException", "RegionNotEnabledException"})
NOT_SUPPORTED_CODES = frozenset(
    {
        "InvalidAction",
        "MethodNotAllowed",
        "NotImplemented",
        "NotImplementedException",
        "OperationDisabledException",
        "OperationNotSupportedException",
        "OptInRequired",
        "SubscriptionRequiredException",
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedCommandException",
        "UnsupportedOperation",
        "UnsupportedOperationException",
    }
)
TRANSIENT_CODES = frozenset(
    {
        "ConnectionCut",
        "ConnectionFailed",
        "EndpointUnresolved",
        "IDPCommunicationError",
        "InternalError",
        "InternalErrorException",
        "InternalFailure",
        "InternalServerError",
        "InternalServerErrorException",
        "InternalServerException",
        "InternalServiceError",
        "InternalServiceErrorException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Timeout",
        "Unavailable",
    }
)
# Codes that say that the session is over; refreshing the credentials may help.
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
# Codes that an unknown key gets, and that valid credentials get in an opt-in region that is not enabled.
UNKNOWN_KEY_CODES = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "UnrecognizedClientException",
    }
)
_EC2_KEY_REFUSED = "not able to validate the provided access credentials"

# AWS's page "Troubleshoot access denied error messages" words the blame as "because no <type> policy allows"
# or "with an explicit deny in a <type> policy"; the more telling names are tried before the general ones.
_BLAME = (
    ("rcp", re.compile(r"resource control polic", re.I)),
    ("scp", re.compile(r"service control polic", re.I)),
    ("boundary", re.compile(r"permissions? boundar", re.I)),
    ("session", re.compile(r"session polic", re.I)),
    ("vpc_endpoint", re.compile(r"VPC endpoint polic", re.I)),
    ("resource", re.compile(r"resource-based polic|role trust polic|bucket polic", re.I)),
    ("identity", re.compile(r"identity-based polic", re.I)),
)


def blamed_policy(message: str) -> str:
    """The policy type that an access-denied message blames.

    One of identity, scp, rcp, resource, boundary, session, vpc_endpoint, or "" where AWS does not say.
    """
    for name, pattern in _BLAME:
        if pattern.search(message):
            return name
    return ""


def credentials_refused(code: str, message: str) -> bool:
    """Whether an error refuses the credentials themselves (expired, unknown, or region not enabled)."""
    if code in EXPIRED_CODES or code in UNKNOWN_KEY_CODES:
        return True
    return code == "AuthFailure" and _EC2_KEY_REFUSED in message


def classify(code: str, message: str, status: int) -> Outcome:
    """The outcome that an error stands for. Absence is never guessed here: tables say which codes mean it."""
    if code in THROTTLED_CODES or status == 429:
        return Outcome.THROTTLED
    if code in REGION_DISABLED_CODES:
        return Outcome.REGION_DISABLED
    if code in NOT_SUPPORTED_CODES or status == 501:
        return Outcome.NOT_SUPPORTED
    if code in DENIED_CODES or code == "403":
        return Outcome.DENIED
    if code == "AuthFailure" and _EC2_KEY_REFUSED not in message:
        return Outcome.DENIED
    return Outcome.ERROR


def is_retryable(code: str, status: int, outcome: Outcome) -> bool:
    """Whether another attempt may bring the answer: throttles, server faults, cut connections."""
    if outcome is Outcome.THROTTLED:
        return True
    if outcome is not Outcome.ERROR:
        return False
    return code in TRANSIENT_CODES or status in (408, 500, 502, 503, 504)


def means_absent(code: str, message: str, absent: Collection[str]) -> bool:
    """Whether the caller's list says that this error means that there is nothing.

    An entry is an error code, or "Code:words" where AWS uses one code for several things and only a message
    that holds the words means absence.
    """
    if code in absent:
        return True
    for entry in absent:
        wanted, colon, words = entry.partition(":")
        if colon and wanted == code and words.strip().lower() in message.lower():
            return True
    return False
