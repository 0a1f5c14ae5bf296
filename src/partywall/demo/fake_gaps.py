"""Single operations that moto left out of services which it has otherwise, answered from moto's own state."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from partywall.demo.fake_answers import ago
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

# Engine versions, and those that AWS offers no more.
_ENGINES = {
    "postgres": ["13.7 deprecated", "13.20", "15.12", "16.4", "16.8", "17.4"],
    "mysql": ["5.7.44 deprecated", "8.0.40", "8.0.42", "8.4.5"],
    "mariadb": ["10.6.22", "10.11.13", "11.4.7"],
    "aurora-postgresql": ["15.4", "15.12", "16.8", "17.4"],
    "aurora-mysql": ["8.0.mysql_aurora.3.04.0", "8.0.mysql_aurora.3.09.0"],
    "sqlserver-se": ["15.00", "15.00.4430.1.v1", "16.00.4195.2.v1"],
}


# Engine and major version: when AWS's standard and extended support of it end.
_MAJORS = {
    "postgres": {"13": ("2026-02-28", "2029-02-28"), "16": ("2029-02-28", "2032-02-29")},
    "mysql": {"5.7": ("2024-02-29", "2027-02-28"), "8.0": ("2026-07-31", "2029-07-31")},
    "mariadb": {"10.6": ("2026-08-31", ""), "11.4": ("2029-05-31", "")},
    "aurora-postgresql": {"15": ("2028-02-29", "2031-02-28"), "16": ("2029-02-28", "2032-02-29")},
    "aurora-mysql": {"8.0": ("2028-04-30", "2029-07-31")},
}


def _major_versions(asked: Asked) -> dict[str, Any]:
    kinds = ("standard", "extended")
    return {
        "DBMajorEngineVersions": [
            {
                "Engine": engine,
                "MajorEngineVersion": major,
                "SupportedEngineLifecycles": [
                    {
                        "LifecycleSupportName": f"open-source-rds-{kind}-support",
                        "LifecycleSupportStartDate": datetime(2018, 1, 1, tzinfo=UTC),
                        "LifecycleSupportEndDate": datetime.fromisoformat(f"{end}T23:59:59+00:00"),
                    }
                    for kind, end in zip(kinds, ends, strict=True)
                    if end
                ],
            }
            for engine, majors in _MAJORS.items()
            for major, ends in majors.items()
        ]
    }


def _engine_versions(asked: Asked) -> dict[str, Any]:
    wanted = asked.params.get("Engine")
    version = asked.params.get("EngineVersion")
    versions: list[dict[str, Any]] = []
    for engine, offers in _ENGINES.items():
        for offer in offers:
            number, _, state = offer.partition(" ")
            if wanted in (None, engine) and version in (None, number):
                versions.append(
                    {
                        "Engine": engine,
                        "EngineVersion": number,
                        "DBParameterGroupFamily": f"{engine}{number.partition('.')[0]}",
                        "DBEngineDescription": engine,
                        "DBEngineVersionDescription": f"{engine} {number}",
                        "Status": state or "available",
                    }
                )
    # AWS lists deprecated versions only when it is asked for all.
    if not asked.params.get("IncludeAll") and version is None:
        versions = [v for v in versions if v["Status"] == "available"]
    return {"DBEngineVersions": versions}


def _option_groups(asked: Asked) -> dict[str, Any] | None:
    """moto fails without a name; with one it may answer."""
    if asked.params.get("OptionGroupName"):
        return None
    from moto.rds.models import rds_backends

    groups: Any = rds_backends[asked.account][asked.region].option_groups.values()
    return {
        "OptionGroupsList": [
            {
                "OptionGroupName": group.name,
                "OptionGroupArn": group.arn,
                "OptionGroupDescription": group.description,
                "EngineName": group.engine_name,
                "MajorEngineVersion": group.major_engine_version,
                "Options": [],
            }
            for group in groups
            if asked.params.get("EngineName") in (None, group.engine_name)
        ]
    }


def _certificates(asked: Asked) -> dict[str, Any]:
    authorities = {"rds-ca-2019": 90, "rds-ca-rsa2048-g1": -13000, "rds-ca-ecc384-g1": -35000}
    wanted = asked.params.get("CertificateIdentifier")
    return {
        "DefaultCertificateForNewLaunches": "rds-ca-rsa2048-g1",
        "Certificates": [
            {
                "CertificateIdentifier": name,
                "CertificateType": "CA",
                "CertificateArn": f"arn:aws:rds:{asked.region}::cert:{name}",
                "ValidFrom": ago(2000),
                "ValidTill": ago(ended),
                "Thumbprint": "24a97b91cbe86911190576c35c36aba8f8dee1f8",
                "CustomerOverride": False,
            }
            for name, ended in authorities.items()
            if wanted in (None, name)
        ],
    }


def _instances(asked: Asked) -> dict[str, Any] | None:
    """moto's instances with the certificate that each presents: older ones an authority that ends soon."""
    answer = asked.ask_moto()
    for instance in (answer or {}).get("DBInstances", []):
        old = str(instance.get("EngineVersion", "")).startswith(("5.", "13."))
        name = "rds-ca-2019" if old else "rds-ca-rsa2048-g1"
        instance["CACertificateIdentifier"] = name
        instance["CertificateDetails"] = {"CAIdentifier": name, "ValidTill": ago(-60 if old else -900)}
    return answer


def _image_metadata(asked: Asked) -> dict[str, Any]:
    from moto.ec2.models import ec2_backends

    backend: Any = ec2_backends[asked.account][asked.region]
    wanted = asked.params.get("InstanceIds")
    found: list[dict[str, Any]] = []
    for instance in backend.all_instances():
        if wanted and instance.id not in wanted:
            continue
        image = backend.amis.get(instance.image_id)
        metadata: dict[str, Any] = {"ImageId": instance.image_id, "State": "deregistered"}
        if image is not None:
            own = image.owner_id == asked.account
            metadata = {
                "ImageId": image.id,
                "Name": image.name,
                "OwnerId": image.owner_id,
                "State": "available",
                "ImageOwnerAlias": image.owner_id if own else "amazon",
                "CreationDate": "2018-08-11T02:30:00Z",
                "IsPublic": image.is_public,
                "ImageAllowed": True,
            }
            if not own:
                metadata["DeprecationTime"] = "2026-08-11T02:30:00Z"
        found.append(
            {
                "InstanceId": instance.id,
                "InstanceType": instance.instance_type,
                "OwnerId": asked.account,
                "State": {"Code": 16, "Name": "running"},
                "ImageMetadata": metadata,
            }
        )
    return {"InstanceImageMetadata": found}


def _functions(asked: Asked) -> dict[str, Any] | None:
    """moto's functions, each in the VPC of its subnets; moto names the same one for all."""
    from moto.ec2.models import ec2_backends

    answer = asked.ask_moto()
    for function in (answer or {}).get("Functions", []):
        network: dict[str, Any] = function.get("VpcConfig") or {}
        for subnet in network.get("SubnetIds", []):
            found: Any = ec2_backends[asked.account][asked.region].describe_subnets(subnet_ids=[subnet])
            network["VpcId"] = found[0].vpc_id
    return answer


def _layer_policy(asked: Asked) -> dict[str, Any] | None:
    """moto's policy of a layer version, with an account named as AWS names it: by an ARN under "AWS"."""
    answer = asked.ask_moto()
    if answer is not None:
        document: dict[str, Any] = json.loads(answer["Policy"])
        for statement in document["Statement"]:
            who = str(statement["Principal"])
            if who.isdigit():
                statement["Principal"] = {"AWS": f"arn:aws:iam::{who}:root"}
        answer["Policy"] = json.dumps(document)
    return answer


def _patch_baseline(asked: Asked) -> dict[str, Any]:
    from moto.ssm.models import ssm_backends

    wanted = str(asked.params["BaselineId"]).rpartition("/")[2]
    baselines: Any = ssm_backends[asked.account][asked.region].baselines
    if wanted not in baselines:
        raise AwsError("DoesNotExistException", f"Patch baseline {wanted} does not exist.")
    known: dict[str, Any] = baselines[wanted].to_json()
    renamed = {"BaselineName": "Name", "BaselineDescription": "Description"}
    unlisted = ("DefaultBaseline",)
    answer = {renamed.get(k, k): v for k, v in known.items() if v and k not in unlisted}
    return {**answer, "PatchGroups": [], "CreatedDate": ago(700), "ModifiedDate": ago(700)}


def _security_configurations(asked: Asked) -> dict[str, Any]:
    from moto.emr.models import emr_backends

    made: Any = emr_backends[asked.account][asked.region].security_configurations.values()
    return {
        "SecurityConfigurations": [{"Name": c.name, "CreationDateTime": c.creation_date_time} for c in made]
    }


def _subscription_state(asked: Asked) -> dict[str, Any]:
    from moto.shield.models import shield_backends

    subscribed: Any = shield_backends[asked.account]["aws"].subscription
    return {"SubscriptionState": "ACTIVE" if subscribed else "INACTIVE"}


def _key_usage(asked: Asked) -> dict[str, Any]:
    from moto.kms.models import kms_backends

    keys: Any = kms_backends[asked.account][asked.region].keys
    key = str(asked.params["KeyId"]).rpartition("/")[2]
    if key not in keys:
        raise AwsError("NotFoundException", f"Key '{asked.params['KeyId']}' does not exist")
    answer: dict[str, Any] = {"KeyId": key, "TrackingStartDate": ago(200), "KeyCreationDate": ago(900)}
    # What is called data is in use; the keys of old times are not.
    if keys[key].description == "data at rest":
        answer["KeyLastUsage"] = {"Operation": "Decrypt", "Timestamp": ago(1)}
    return answer


def _effective_policy(asked: Asked) -> dict[str, Any]:
    message = "The policy type isn't in effect for this account."
    raise AwsError("EffectivePolicyNotFoundException", message)


ANSWERS: dict[str, dict[str, Callable[[Asked], dict[str, Any] | None] | dict[str, Any]]] = {
    "ec2": {"DescribeInstanceImageMetadata": _image_metadata},
    "emr": {"ListSecurityConfigurations": _security_configurations},
    "globalaccelerator": {"ListAccelerators": {"Accelerators": []}},
    "kafkaconnect": {"ListConnectors": {"connectors": []}},
    "kms": {"GetKeyLastUsage": _key_usage},
    "lambda": {"GetLayerVersionPolicy": _layer_policy, "ListFunctions": _functions},
    "organizations": {"DescribeEffectivePolicy": _effective_policy},
    "rds": {
        "DescribeCertificates": _certificates,
        "DescribeDBInstances": _instances,
        "DescribeDBEngineVersions": _engine_versions,
        "DescribeDBMajorEngineVersions": _major_versions,
        "DescribeOptionGroups": _option_groups,
    },
    "redshift-serverless": {
        "ListNamespaces": {"namespaces": []},
        "ListWorkgroups": {"workgroups": []},
    },
    "shield": {"GetSubscriptionState": _subscription_state},
    "ssm": {"GetPatchBaseline": _patch_baseline},
}
