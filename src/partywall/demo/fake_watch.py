"""What moto leaves out of services that watch, run and deliver: Config, Inspector, ECS, EKS and others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from partywall.demo.fake_answers import ago
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

Handler = Callable[["Asked"], Any]


def _config(asked: Asked) -> Any:
    from moto.config.models import config_backends

    return config_backends[asked.account][asked.region]


def _delivery_status(asked: Asked) -> dict[str, Any]:
    delivered = {"lastStatus": "Success", "lastAttemptTime": ago(0.1), "lastSuccessfulTime": ago(0.1)}
    wanted = asked.params.get("DeliveryChannelNames")
    return {
        "DeliveryChannelsStatus": [
            {
                "name": name,
                "configHistoryDeliveryInfo": delivered,
                "configSnapshotDeliveryInfo": delivered,
                "configStreamDeliveryInfo": {"lastStatus": "Not_Applicable"},
            }
            for name in _config(asked).delivery_channels
            if not wanted or name in wanted
        ]
    }


def _recorders(asked: Asked) -> dict[str, Any]:
    return {
        "ConfigurationRecorderSummaries": [
            {
                "arn": asked.arn(f"configuration-recorder/{name}", "config"),
                "name": name,
                "recordingScope": "PAID",
            }
            for name in _config(asked).recorders
        ]
    }


def _inspector_status(asked: Asked) -> dict[str, Any]:
    """Each account asked for, the caller's own by default; what was never enabled is disabled."""
    from moto.inspector2.models import AccountStatus, inspector2_backends

    known: Any = inspector2_backends[asked.account][asked.region].account_status
    wanted: list[str] = asked.params.get("accountIds") or [asked.account]
    make: Any = AccountStatus
    states: list[dict[str, Any]] = [(known.get(a) or make(a)).to_batch_json() for a in wanted]
    for state in states:
        for part in (state["state"], *state["resourceState"].values()):
            part.setdefault("errorCode", None)
            part.setdefault("errorMessage", None)
    return {"accounts": states, "failedAccounts": []}


def _capacity_providers(asked: Asked) -> dict[str, Any] | None:
    """moto fails where no names are given; AWS lists its own two and the account's."""
    if asked.params.get("capacityProviders"):
        return None
    from moto.ecs.models import ecs_backends

    own: Any = ecs_backends[asked.account][asked.region].capacity_providers.values()
    providers: list[dict[str, Any]] = [
        {"capacityProviderArn": asked.arn(f"capacity-provider/{name}"), "name": name, "status": "ACTIVE"}
        for name in ("FARGATE", "FARGATE_SPOT")
    ]
    for provider in own:
        described = {
            "capacityProviderArn": provider.capacity_provider_arn,
            "name": provider.name,
            "status": provider.status,
            "autoScalingGroupProvider": provider.auto_scaling_group_provider,
            "tags": provider.tags or [],
        }
        providers.append(described)
    return {"capacityProviders": providers, "failures": []}


# Days since the end of standard and extended support; negative lies ahead.
_KUBERNETES = {
    "1.24": (1025, 660),
    "1.30": (490, 125),
    "1.32": (245, -120),
    "1.33": (115, -250),
    "1.34": (-10, -375),
    "1.35": (-130, -495),
}


def _cluster_versions(asked: Asked) -> dict[str, Any]:
    wanted = asked.params.get("clusterVersions")
    versions: list[dict[str, Any]] = []
    for version, (standard, extended) in _KUBERNETES.items():
        if wanted and version not in wanted:
            continue
        state = "UNSUPPORTED" if extended > 0 else "EXTENDED_SUPPORT" if standard > 0 else "STANDARD_SUPPORT"
        if state == "UNSUPPORTED" and not (wanted or asked.params.get("includeAll")):
            continue
        versions.append(
            {
                "clusterVersion": version,
                "clusterType": "eks",
                "defaultVersion": version == "1.34",
                "releaseDate": ago(standard + 425),
                "endOfStandardSupportDate": ago(standard),
                "endOfExtendedSupportDate": ago(extended),
                "versionStatus": state,
            }
        )
    return {"clusterVersions": versions}


def _not_administrator(message: str) -> Handler:
    def refuse(_asked: Asked) -> Any:
        raise AwsError("AccessDeniedException", message, 403)

    return refuse


ANSWERS: dict[str, dict[str, Any]] = {
    "amplify": {"ListApps": {"apps": []}},
    "apprunner": {"ListServices": {"ServiceSummaryList": []}},
    "appstream": {"DescribeFleets": {"Fleets": []}},
    "config": {"DescribeDeliveryChannelStatus": _delivery_status, "ListConfigurationRecorders": _recorders},
    "detective": {"ListTagsForResource": {"Tags": {}}},
    "dlm": {"GetLifecyclePolicies": {"Policies": []}},
    "dms": {"DescribeCertificates": {"Certificates": []}},
    "ecr-public": {"DescribeRepositories": {"repositories": []}},
    "ecs": {"DescribeCapacityProviders": _capacity_providers},
    "eks": {"DescribeClusterVersions": _cluster_versions},
    "guardduty": {"GetMasterAccount": {"Master": {}}},
    "inspector2": {
        "BatchGetAccountStatus": _inspector_status,
        "ListFindingAggregations": lambda asked: {
            "aggregationType": asked.params["aggregationType"],
            "responses": [],
        },
    },
    "macie2": {
        "DescribeOrganizationConfiguration": _not_administrator(
            "The request failed because you must be the Macie administrator of the organization."
        )
    },
    "securityhub": {
        "ListConfigurationPolicies": _not_administrator(
            "Must be a Security Hub delegated administrator with Central Configuration enabled"
        )
    },
    "signer": {"ListSigningProfiles": {"profiles": []}},
}
