"""The fake's parts of EC2, Systems Manager, Backup, Network Firewall, Lambda, Account and others.

Settings of an account that have a write operation are kept as the write operation left them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from partywall.demo.fake_answers import ago, digest
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

Handler = Callable[["Asked"], Any]


def _keep(key: str, parameter: str, answer_as: str) -> Handler:
    """A write operation that keeps one parameter and answers it."""

    def handle(asked: Asked) -> Any:
        asked.state[key] = asked.params[parameter]
        return {answer_as: asked.params[parameter]}

    return handle


def _kept(key: str, answer_as: str, default: Any, **more: Any) -> Handler:
    """A read operation that answers what was kept, or the default."""
    return lambda asked: {answer_as: asked.state.get(key, default), **more}


def _reset(key: str, answer_as: str, value: Any) -> Handler:
    def handle(asked: Asked) -> Any:
        asked.state[key] = value
        return {answer_as: value}

    return handle


# -- EC2


def _modify_metadata_defaults(asked: Asked) -> Any:
    defaults = asked.state.setdefault("metadata_defaults", {})
    for name in ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags"):
        if name in asked.params:
            defaults[name] = asked.params[name]
    return {"Return": True}


def _metadata_defaults(asked: Asked) -> Any:
    return {"AccountLevel": {**asked.state.get("metadata_defaults", {}), "ManagedBy": "account"}}


def _vpc_block(asked: Asked) -> dict[str, Any]:
    mode = asked.state.get("vpc_block", "off")
    return {
        "VpcBlockPublicAccessOptions": {
            "AwsAccountId": asked.account,
            "AwsRegion": asked.region,
            "State": "default-state" if mode == "off" else "update-complete",
            "InternetGatewayBlockMode": mode,
            "ManagedBy": "account",
            "ExclusionsAllowed": "allowed",
        }
    }


def _modify_vpc_block(asked: Asked) -> Any:
    asked.state["vpc_block"] = asked.params["InternetGatewayBlockMode"]
    return _vpc_block(asked)


def _create_exclusion(asked: Asked) -> Any:
    target = asked.params.get("SubnetId") or asked.params.get("VpcId")
    exclusion = {
        "ExclusionId": f"vpcbpa-exclude-{digest(target)[:17]}",
        "InternetGatewayExclusionMode": asked.params["InternetGatewayExclusionMode"],
        "ResourceArn": asked.arn(f"{'subnet' if 'SubnetId' in asked.params else 'vpc'}/{target}"),
        "State": "create-complete",
        "CreationTimestamp": ago(0),
        "LastUpdateTimestamp": ago(0),
    }
    asked.state.setdefault("exclusions", []).append(exclusion)
    return {"VpcBlockPublicAccessExclusion": exclusion}


def _volume_status(asked: Asked) -> Any:
    from moto.ec2.models import ec2_backends

    volumes: Any = ec2_backends[asked.account][asked.region].volumes.values()
    wanted = asked.params.get("VolumeIds")
    return {
        "VolumeStatuses": [
            {
                "VolumeId": volume.id,
                "AvailabilityZone": volume.zone.name,
                "Actions": [],
                "Events": [],
                "VolumeStatus": {"Status": "ok", "Details": [{"Name": "io-enabled", "Status": "passed"}]},
            }
            for volume in volumes
            if not wanted or volume.id in wanted
        ]
    }


# -- Systems Manager


def _service_setting(asked: Asked) -> Any:
    setting = str(asked.params["SettingId"])
    setting = setting[setting.find("/ssm/") :]
    defaults = {
        "/ssm/documents/console/public-sharing-permission": "Enable",
        "/ssm/parameter-store/default-parameter-tier": "Standard",
        "/ssm/parameter-store/high-throughput-enabled": "false",
        "/ssm/managed-instance/activation-tier": "standard",
        "/ssm/managed-instance/default-ec2-instance-management-role": "$None",
        "/ssm/automation/customer-script-log-destination": "None",
        "/ssm/opsinsights/opscenter": "Disabled",
    }
    if setting not in defaults:
        raise AwsError("ServiceSettingNotFound", f"Setting {setting} is not valid.")
    kept: dict[str, str] = asked.state.get("settings", {})
    return {
        "ServiceSetting": {
            "SettingId": setting,
            "SettingValue": kept.get(setting, defaults[setting]),
            "LastModifiedDate": ago(30),
            "LastModifiedUser": "System",
            "ARN": asked.arn(f"servicesetting{setting}"),
            "Status": "Customized" if setting in kept else "Default",
        }
    }


def _update_service_setting(asked: Asked) -> Any:
    setting = str(asked.params["SettingId"])
    asked.state.setdefault("settings", {})[setting[setting.find("/ssm/") :]] = asked.params["SettingValue"]
    return {}


def _put_compliance(asked: Asked) -> Any:
    items = asked.state.setdefault("compliance", [])
    for item in asked.params["Items"]:
        items.append(
            {
                "ComplianceType": asked.params["ComplianceType"],
                "ResourceType": asked.params["ResourceType"],
                "ResourceId": asked.params["ResourceId"],
                "Id": item.get("Id", ""),
                "Title": item.get("Title", ""),
                "Status": item["Status"],
                "Severity": item["Severity"],
                "ExecutionSummary": {"ExecutionTime": ago(0)},
                "Details": item.get("Details") or {},
            }
        )
    return {}


def _compliance_items(asked: Asked) -> Any:
    wanted = asked.params.get("ResourceIds")
    items = [i for i in asked.state.get("compliance", []) if not wanted or i["ResourceId"] in wanted]
    return {"ComplianceItems": items}


def _counts(items: list[dict[str, Any]], status: str) -> dict[str, Any]:
    matching = [i for i in items if i["Status"] == status]
    names = ("Critical", "High", "Medium", "Low", "Informational", "Unspecified")
    summary = {f"{n}Count": sum(i["Severity"] == n.upper() for i in matching) for n in names}
    which = "CompliantCount" if status == "COMPLIANT" else "NonCompliantCount"
    return {which: len(matching), "SeveritySummary": summary}


def _compliance_summaries(asked: Asked) -> Any:
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for item in asked.state.get("compliance", []):
        key = (item["ComplianceType"], item["ResourceType"], item["ResourceId"])
        groups.setdefault(key, []).append(item)
    summaries: list[dict[str, Any]] = []
    for (kind, resource_type, resource), items in groups.items():
        failed = [i for i in items if i["Status"] == "NON_COMPLIANT"]
        summaries.append(
            {
                "ComplianceType": kind,
                "ResourceType": resource_type,
                "ResourceId": resource,
                "Status": "NON_COMPLIANT" if failed else "COMPLIANT",
                "OverallSeverity": failed[0]["Severity"] if failed else "UNSPECIFIED",
                "ExecutionSummary": {"ExecutionTime": ago(0)},
                "CompliantSummary": _counts(items, "COMPLIANT"),
                "NonCompliantSummary": _counts(items, "NON_COMPLIANT"),
            }
        )
    return {"ResourceComplianceSummaryItems": summaries}


def _compliance_by_type(asked: Asked) -> Any:
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in asked.state.get("compliance", []):
        groups.setdefault(item["ComplianceType"], []).append(item)
    return {
        "ComplianceSummaryItems": [
            {
                "ComplianceType": kind,
                "CompliantSummary": _counts(items, "COMPLIANT"),
                "NonCompliantSummary": _counts(items, "NON_COMPLIANT"),
            }
            for kind, items in groups.items()
        ]
    }


# -- Backup


def _create_selection(asked: Asked) -> Any:
    plan = asked.params["BackupPlanId"]
    selection = asked.params["BackupSelection"]
    made = {
        "SelectionId": digest(plan, selection["SelectionName"])[:36],
        "BackupPlanId": plan,
        "CreationDate": ago(0),
    }
    asked.state.setdefault("selections", {}).setdefault(plan, []).append((made, selection))
    return made


def _list_selections(asked: Asked) -> Any:
    made = asked.state.get("selections", {}).get(asked.params["BackupPlanId"], [])
    return {
        "BackupSelectionsList": [
            {**m, "SelectionName": s["SelectionName"], "IamRoleArn": s["IamRoleArn"]} for m, s in made
        ]
    }


def _get_selection(asked: Asked) -> Any:
    for made, selection in asked.state.get("selections", {}).get(asked.params["BackupPlanId"], []):
        if made["SelectionId"] == asked.params["SelectionId"]:
            return {**made, "BackupSelection": selection}
    raise AwsError("ResourceNotFoundException", "Cannot find Backup selection.", 400)


# -- Network Firewall


def _create_firewall_policy(asked: Asked) -> Any:
    name = asked.params["FirewallPolicyName"]
    response = {
        "FirewallPolicyName": name,
        "FirewallPolicyArn": asked.arn(f"firewall-policy/{name}"),
        "FirewallPolicyId": digest(asked.account, asked.region, name),
        "FirewallPolicyStatus": "ACTIVE",
        "Tags": asked.params.get("Tags") or [],
    }
    made = {"UpdateToken": digest(name), "FirewallPolicyResponse": response}
    asked.state.setdefault("policies", {})[name] = {**made, "FirewallPolicy": asked.params["FirewallPolicy"]}
    return made


def _list_firewall_policies(asked: Asked) -> Any:
    made = asked.state.get("policies", {}).values()
    responses = [p["FirewallPolicyResponse"] for p in made]
    return {
        "FirewallPolicies": [
            {"Name": r["FirewallPolicyName"], "Arn": r["FirewallPolicyArn"]} for r in responses
        ]
    }


def _create_rule_group(asked: Asked) -> Any:
    name = asked.params["RuleGroupName"]
    kind = asked.params["Type"]
    response = {
        "RuleGroupName": name,
        "RuleGroupArn": asked.arn(f"{kind.lower()}-rulegroup/{name}"),
        "RuleGroupId": digest(asked.account, asked.region, name),
        "Type": kind,
        "Capacity": asked.params["Capacity"],
        "RuleGroupStatus": "ACTIVE",
        "Tags": asked.params.get("Tags") or [],
    }
    made = {"UpdateToken": digest(name), "RuleGroupResponse": response}
    group = {"RuleGroup": asked.params["RuleGroup"]} if "RuleGroup" in asked.params else {}
    asked.state.setdefault("rule_groups", {})[name] = {**made, **group}
    return made


def _list_rule_groups(asked: Asked) -> Any:
    responses = [g["RuleGroupResponse"] for g in asked.state.get("rule_groups", {}).values()]
    return {"RuleGroups": [{"Name": r["RuleGroupName"], "Arn": r["RuleGroupArn"]} for r in responses]}


def _named(kind: str, name_key: str, arn_key: str) -> Handler:
    def describe(asked: Asked) -> Any:
        name = asked.params.get(name_key) or str(asked.params.get(arn_key)).rpartition("/")[2]
        found = asked.state.get(kind, {}).get(name)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Could not find {name}.")
        return found

    return describe


# -- Lambda


def _function_urls(asked: Asked) -> Any:
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.models import lambda_backends

    backend: Any = lambda_backends[asked.account][asked.region]
    name = asked.params["FunctionName"]
    try:
        function = backend.get_function(name)
    except UnknownFunctionException as error:
        raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404) from error
    configs: list[Any] = [function.url_config] if function.url_config else []
    return {"FunctionUrlConfigs": [_function_url(config.to_dict()) for config in configs]}


def _function_url(config: dict[str, Any]) -> dict[str, Any]:
    known = ("FunctionUrl", "FunctionArn", "AuthType", "Cors", "CreationTime", "LastModifiedTime")
    answer = {name: config[name] for name in known if config.get(name) is not None}
    answer.setdefault("LastModifiedTime", answer.get("CreationTime", ago(0)))
    return {**answer, "InvokeMode": str(config.get("InvokeMode") or "BUFFERED").upper()}


def _runtime_management(asked: Asked) -> Any:
    name = str(asked.params["FunctionName"]).rpartition(":")[2]
    kept: dict[str, Any] = asked.state.get("runtime_management", {})
    return {"FunctionArn": asked.arn(f"function:{name}"), **kept.get(name, {"UpdateRuntimeOn": "Auto"})}


def _put_runtime_management(asked: Asked) -> Any:
    name = str(asked.params["FunctionName"]).rpartition(":")[2]
    mode = {"UpdateRuntimeOn": asked.params["UpdateRuntimeOn"]}
    if "RuntimeVersionArn" in asked.params:
        mode["RuntimeVersionArn"] = asked.params["RuntimeVersionArn"]
    asked.state.setdefault("runtime_management", {})[name] = mode
    return {"FunctionArn": asked.arn(f"function:{name}"), **mode}


# -- Account


def _put_contact(asked: Asked) -> Any:
    asked.state["contact"] = asked.params["ContactInformation"]
    return {}


def _contact(asked: Asked) -> Any:
    unknown = {
        "FullName": "Account Owner",
        "AddressLine1": "1 Example Street",
        "City": "Dublin",
        "PostalCode": "D02",
        "CountryCode": "IE",
        "PhoneNumber": "+353 1 000 0000",
    }
    return {"ContactInformation": asked.state.get("contact", unknown)}


def _region_status(asked: Asked) -> Any:
    from partywall.demo.fake_answers import REGIONS

    for region in REGIONS:
        if region["RegionName"] == asked.params["RegionName"]:
            return region
    raise AwsError("ValidationException", "The region is not valid.")


def _instance_ids(asked: Asked) -> Any:
    if not asked.params.get("InstanceIds"):
        raise AwsError("ValidationException", "InstanceIds must not be empty.")
    return {"InstancePatchStates": []}


ANSWERS: dict[str, dict[str, Any]] = {
    "account": {
        "PutContactInformation": _put_contact,
        "GetContactInformation": _contact,
        "GetRegionOptStatus": _region_status,
    },
    "backup": {
        "CreateBackupSelection": _create_selection,
        "ListBackupSelections": _list_selections,
        "GetBackupSelection": _get_selection,
    },
    "ec2": {
        "EnableSnapshotBlockPublicAccess": _keep("snapshot_block", "State", "State"),
        "DisableSnapshotBlockPublicAccess": _reset("snapshot_block", "State", "unblocked"),
        "GetSnapshotBlockPublicAccessState": _kept(
            "snapshot_block", "State", "unblocked", ManagedBy="account"
        ),
        "EnableImageBlockPublicAccess": _keep(
            "image_block", "ImageBlockPublicAccessState", "ImageBlockPublicAccessState"
        ),
        "DisableImageBlockPublicAccess": _reset("image_block", "ImageBlockPublicAccessState", "unblocked"),
        "GetImageBlockPublicAccessState": _kept(
            "image_block", "ImageBlockPublicAccessState", "unblocked", ManagedBy="account"
        ),
        "EnableSerialConsoleAccess": _reset("serial_console", "SerialConsoleAccessEnabled", True),
        "DisableSerialConsoleAccess": _reset("serial_console", "SerialConsoleAccessEnabled", False),
        "GetSerialConsoleAccessStatus": _kept(
            "serial_console", "SerialConsoleAccessEnabled", False, ManagedBy="account"
        ),
        "EnableAllowedImagesSettings": _keep(
            "allowed_images", "AllowedImagesSettingsState", "AllowedImagesSettingsState"
        ),
        "GetAllowedImagesSettings": _kept(
            "allowed_images", "State", "disabled", ImageCriteria=[], ManagedBy="account"
        ),
        "ModifyInstanceMetadataDefaults": _modify_metadata_defaults,
        "GetInstanceMetadataDefaults": _metadata_defaults,
        "ModifyVpcBlockPublicAccessOptions": _modify_vpc_block,
        "DescribeVpcBlockPublicAccessOptions": _vpc_block,
        "CreateVpcBlockPublicAccessExclusion": _create_exclusion,
        "DescribeVpcBlockPublicAccessExclusions": lambda asked: {
            "VpcBlockPublicAccessExclusions": asked.state.get("exclusions", [])
        },
        "DescribeVolumeStatus": _volume_status,
    },
    "lambda": {
        "ListFunctionUrlConfigs": _function_urls,
        "GetRuntimeManagementConfig": _runtime_management,
        "PutRuntimeManagementConfig": _put_runtime_management,
    },
    "network-firewall": {
        "CreateFirewallPolicy": _create_firewall_policy,
        "ListFirewallPolicies": _list_firewall_policies,
        "DescribeFirewallPolicy": _named("policies", "FirewallPolicyName", "FirewallPolicyArn"),
        "CreateRuleGroup": _create_rule_group,
        "ListRuleGroups": _list_rule_groups,
        "DescribeRuleGroup": _named("rule_groups", "RuleGroupName", "RuleGroupArn"),
        "DescribeResourcePolicy": lambda _asked: {},
    },
    "ssm": {
        "DescribeInstanceInformation": {"InstanceInformationList": []},
        "DescribeInstancePatchStates": _instance_ids,
        "DescribeInstancePatchStatesForPatchGroup": {"InstancePatchStates": []},
        "GetServiceSetting": _service_setting,
        "UpdateServiceSetting": _update_service_setting,
        "PutComplianceItems": _put_compliance,
        "ListComplianceItems": _compliance_items,
        "ListComplianceSummaries": _compliance_by_type,
        "ListResourceComplianceSummaries": _compliance_summaries,
        "GetDefaultPatchBaseline": lambda asked: {
            "BaselineId": "arn:aws:ssm:us-east-1:075727635805:patchbaseline/pb-0e392de35e7c563b7",
            "OperatingSystem": asked.params.get("OperatingSystem", "WINDOWS"),
        },
    },
}
