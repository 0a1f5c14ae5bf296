"""Events for testing rules: a few words in a rule's file made into whole CloudTrail records.

    {as: user, call: iam:CreateUser, request: {userName: eve}}

`as` names the caller (see `CALLERS`), `call` the service and the API, `request` and `response` what the API
was given and answered, `error` its errorCode, `ip`, `agent`, `region` and `at` (seconds after the first)
where it matters; `record` is merged into the record as it stands; `times` and `every` (seconds) repeat an
event, {n} in its texts being the number of the repetition.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from partywall.errors import UserError

ACCOUNT: Final = "111122223333"
OTHER: Final = "444455556666"
_BEGAN: Final = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_CLI: Final = (
    "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.4"
    " md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe"
)
_BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"
_PYTHON: Final = "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.7"


def _session(role: str, name: str, key: str, **more: Any) -> dict[str, Any]:
    unique = f"AROA{hashlib.sha256(role.encode()).hexdigest()[:17].upper()}"
    session: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": unique,
            "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
            "accountId": ACCOUNT,
            "userName": role.rpartition("/")[2],
        },
        "attributes": {"creationDate": "2026-11-02T08:55:00Z", "mfaAuthenticated": "false"},
    }
    session.update(more)
    return {
        "type": "AssumedRole",
        "principalId": f"{unique}:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": session,
    }


def _user(name: str, key: str) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": f"AIDA{hashlib.sha256(name.encode()).hexdigest()[:17].upper()}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }


_ROOT: Final = {
    "type": "Root",
    "principalId": ACCOUNT,
    "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "accountId": ACCOUNT,
    "accessKeyId": "",
}
_CONSOLE: Final = {"sessionCredentialFromConsole": "true", "userAgent": _BROWSER}

CALLERS: Final[dict[str, dict[str, Any]]] = {
    "user": {"userIdentity": _user("mallory", "AKIAIOSFODNN7EXAMPLE")},
    "role": {"userIdentity": _session("Developer", "bob", "ASIAIOSFODNN7EXAMPLE")},
    "script": {
        "userIdentity": _session("Reporting", "nightly", "ASIAI44QH8DHBEXAMPLE"),
        "userAgent": _PYTHON,
    },
    "root": {"userIdentity": _ROOT, **_CONSOLE},
    "console": {"userIdentity": _user("carol", "ASIAJEXAMPLEXEG2JICE"), **_CONSOLE},
    "sso": {
        "userIdentity": _session(
            "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
            "dora",
            "ASIAKEXAMPLESSO00001",
        ),
        **_CONSOLE,
    },
    "terraform": {
        "userIdentity": _session("infrastructure", "run-81", "ASIAKEXAMPLETF000001"),
        "userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 aws-sdk-go-v2/1.39.4",
    },
    "ci": {
        "userIdentity": _session("github-actions", "run-4711", "ASIAKEXAMPLECI000001"),
        "userAgent": _PYTHON,
    },
    "cloudformation": {
        "userIdentity": {
            **_session("infrastructure", "AWSCloudFormation", "ASIAKEXAMPLECFN00001"),
            "invokedBy": "cloudformation.amazonaws.com",
        },
        "userAgent": "cloudformation.amazonaws.com",
        "sourceIPAddress": "cloudformation.amazonaws.com",
    },
    "instance": {
        "userIdentity": _session("web", "i-0abcd1234ef567890", "ASIAKEXAMPLEEC200001", ec2RoleDelivery="2.0"),
        "userAgent": _PYTHON,
        "sourceIPAddress": "52.94.133.131",
    },
    "lambda": {
        "userIdentity": _session("orders-function", "orders", "ASIAKEXAMPLELAM00001"),
        "userAgent": _PYTHON + " exec-env/AWS_Lambda_python3.12",
        "sourceIPAddress": "52.94.133.140",
    },
    "service": {
        "userIdentity": {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
        "userAgent": "autoscaling.amazonaws.com",
        "sourceIPAddress": "autoscaling.amazonaws.com",
    },
    "linked": {
        "userIdentity": {
            **_session(
                "aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup",
                "backup",
                "ASIAKEXAMPLESLR00001",
            ),
            "invokedBy": "backup.amazonaws.com",
        },
        "userAgent": "backup.amazonaws.com",
        "sourceIPAddress": "backup.amazonaws.com",
    },
    "outsider": {
        "userIdentity": {
            "type": "AWSAccount",
            "principalId": "AIDAJ45Q7YFFAREXAMPLE",
            "accountId": OTHER,
        }
    },
    "anonymous": {"userIdentity": {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}},
}
"""Who calls, by the word in `as`: identity, user agent and source of a record."""

_WORDS: Final = frozenset(
    "as call request response error message ip agent region at times every record".split()  # noqa: SIM905
)


def expand(written: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of a rule's events, in order of time; raises UserError where the words are wrong."""
    records: list[dict[str, Any]] = []
    at = 0.0
    for event in written:
        if unknown := sorted(set(event) - _WORDS):
            raise UserError(f"an event has no word {unknown[0]}: its words are {', '.join(sorted(_WORDS))}")
        at = float(event.get("at", at))
        for number in range(int(event.get("times", 1))):
            when = _BEGAN + timedelta(seconds=at + number * float(event.get("every", 1)))
            records.append(_record(_numbered(event, number), when, len(records)))
        at += (int(event.get("times", 1)) - 1) * float(event.get("every", 1)) + 1
    return sorted(records, key=lambda record: record["eventTime"])


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    if isinstance(value, Mapping):
        return {key: _numbered(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each, number) for each in value]
    return value


def _record(event: Mapping[str, Any], when: datetime, number: int) -> dict[str, Any]:
    caller = CALLERS.get(str(event.get("as", "user")))
    if caller is None:
        raise UserError(f"nobody is called {event.get('as')}: events are made by {', '.join(CALLERS)}")
    service, _, name = str(event.get("call", ":")).partition(":")
    source = service if "." in service else f"{service}.amazonaws.com"
    digest = hashlib.sha256(f"{number}{event}".encode()).hexdigest()
    read = name.startswith(("Get", "List", "Describe", "Lookup", "Search", "BatchGet"))
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {},
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": source,
        "eventName": name,
        "awsRegion": event.get("region", "eu-west-1"),
        "sourceIPAddress": "198.51.100.23",
        "userAgent": _CLI,
        "requestParameters": event.get("request"),
        "responseElements": event.get("response"),
        "requestID": digest[:16].upper(),
        "eventID": f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}",
        "readOnly": read,
        "eventType": "AwsConsoleSignIn" if service == "signin" else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.{event.get('region', 'eu-west-1')}.amazonaws.com",
        },
    }
    _merge(record, caller)
    if "error" in event:
        record["errorCode"] = event["error"]
        record["errorMessage"] = event.get("message", f"the call {name} failed: {event['error']}")
    if "ip" in event:
        record["sourceIPAddress"] = event["ip"]
    if "agent" in event:
        record["userAgent"] = event["agent"]
    _merge(record, event.get("record", {}))
    return record


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        inner = into.get(key)
        if isinstance(value, Mapping) and isinstance(inner, dict):
            _merge(inner, value)
        else:
            into[key] = copy.deepcopy(value)
