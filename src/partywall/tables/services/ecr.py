"""Amazon ECR: repositories with their policies and scans, the registry's settings, public repositories."""

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

Element = Mapping[str, Any]
_SCAN_RULE: Final = Struct(
    Field("frequency", Enum("SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"), "scanFrequency"),
    Field("filters", List(Str), "repositoryFilters[].filter"),
)


def _latest(images: list[Element]) -> Element | None:
    """The image pushed last; None where there are no images."""
    return max(images, key=lambda i: str(i.get("imagePushedAt", "")), default=None)


repository = Table(
    "ecr_repository",
    service="ecr",
    scope="regional",
    resource_type="AWS::ECR::Repository",
    doc="A private repository of container images.",
    rows=Call("ecr:DescribeRepositories", {"maxResults": 1000}, at="repositories"),
    arn="repositoryArn",
    title="repositoryName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("ecr:repository"),
        "policy": Call(
            "ecr:GetRepositoryPolicy",
            {"repositoryName": "name"},
            absent=("RepositoryPolicyNotFoundException",),
        ),
        "lifecycle": Call(
            "ecr:GetLifecyclePolicy",
            {"repositoryName": "name"},
            absent=("LifecyclePolicyNotFoundException",),
        ),
        # What holds in fact: the registry's rules override the repository's own setting.
        "scanning": Batch(
            "ecr:BatchGetRepositoryScanningConfiguration",
            param="repositoryNames",
            by="name",
            at="scanningConfigurations",
            key="repositoryName",
            size=25,
        ),
        "images": Call("ecr:DescribeImages", {"repositoryName": "name", "maxResults": 1000}),
    },
    columns=(
        Column("repository_uri", Str, "repositoryUri", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column(
            "image_tag_mutability",
            Enum("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"),
            "imageTagMutability",
            "MUTABLE",
        ),
        Column("mutability_exclusions", List(Str), "imageTagMutabilityExclusionFilters[].filter"),
        Column(
            "encryption_type",
            Enum("AES256", "KMS", "KMS_DSSE"),
            "encryptionConfiguration.encryptionType",
            "AES256",
        ),
        Column("kms_key", Str, "encryptionConfiguration.kmsKey", "", doc="ARN; empty for AES256."),
        Column(
            "scan_frequency",
            Enum("SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"),
            "scanning.scanFrequency",
            doc="When images are scanned, by the registry's rules or the repository's own setting.",
        ),
        Column("policy", Policy("resource"), "policy.policyText", "", doc="Empty: there is none."),
        Column(
            "has_lifecycle_policy",
            Bool,
            "lifecycle.lifecyclePolicyText",
            False,
            fn=bool,
            doc="Images expire by rules.",
        ),
        Column(
            "latest_image",
            Struct(
                Field("digest", Str, "imageDigest", ""),
                Field("tags", List(Str), "imageTags"),
                Field("pushed_at", Timestamp, "imagePushedAt"),
                Field("last_pulled_at", Timestamp, "lastRecordedPullTime"),
                Field("scan_status", Str, "imageScanStatus.status", "NONE"),
                Field("critical", Int, "imageScanFindingsSummary.findingSeverityCounts.CRITICAL", 0),
                Field("high", Int, "imageScanFindingsSummary.findingSeverityCounts.HIGH", 0),
            ),
            "images.imageDetails",
            fn=_latest,
            doc="The image pushed last, with what its scan found; NULL where the repository is empty.",
        ),
        Column("image_count", Int, "images.imageDetails", 0, fn=len),
    ),
    relations=(
        Relation(
            "registries",
            "ecr_registry",
            ("scan_type",),
            {"account_id": "account_id", "region": "region"},
        ),
    ),
)

registry = Table(
    "ecr_registry",
    service="ecr",
    scope="regional",
    resource_type="AWS::ECR::RegistryPolicy",
    doc="The account's private registry in a Region. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:ecr:{region}:{account_id}:registry",
    title="{region}",
    calls={
        "scanning": Call("ecr:GetRegistryScanningConfiguration", at="scanningConfiguration"),
        "policy": Call("ecr:GetRegistryPolicy", absent=("RegistryPolicyNotFoundException",)),
        "replication": Call("ecr:DescribeRegistry", at="replicationConfiguration"),
    },
    columns=(
        Column(
            "scan_type",
            Enum("BASIC", "ENHANCED"),
            "scanning.scanType",
            "BASIC",
            doc="ENHANCED: Amazon Inspector scans operating system and language packages.",
        ),
        Column("scan_rules", List(_SCAN_RULE), "scanning.rules"),
        Column("policy", Policy("resource"), "policy.policyText", "", doc="Empty: there is none."),
        Column("replication_accounts", List(Str), "replication.rules[].destinations[].registryId"),
        Column("replication_regions", List(Str), "replication.rules[].destinations[].region"),
    ),
    relations=(
        Relation(
            "repositories",
            "ecr_repository",
            ("arn",),
            {"account_id": "account_id", "region": "region"},
        ),
    ),
)

pull_through_cache_rule = Table(
    "ecr_pull_through_cache_rule",
    service="ecr",
    scope="regional",
    resource_type="AWS::ECR::PullThroughCacheRule",
    doc="A rule by which the registry fetches images of another one on first use.",
    rows=Call("ecr:DescribePullThroughCacheRules", {"maxResults": 1000}, at="pullThroughCacheRules"),
    arn="arn:{partition}:ecr:{region}:{account_id}:pull-through-cache-rule/{name}",
    title="ecrRepositoryPrefix",
    columns=(
        Column("upstream_registry_url", Str, "upstreamRegistryUrl"),
        Column("upstream_registry", Str, "upstreamRegistry", "", doc="docker-hub, quay, ecr-public …"),
        Column("credential_arn", Str, "credentialArn", "", doc="Secret used upstream; empty: none."),
        Column("created_at", Timestamp, "createdAt"),
    ),
)

public_repository = Table(
    "ecr_public_repository",
    service="ecr",
    scope="global",
    resource_type="AWS::ECR::PublicRepository",
    doc="A repository in the ECR Public Gallery: everyone may pull from it.",
    rows=Call("ecr-public:DescribeRepositories", {"maxResults": 1000}, at="repositories"),
    arn="repositoryArn",
    title="repositoryName",
    tags="tagging.tags",
    calls={
        "tagging": Call("ecr-public:ListTagsForResource", {"resourceArn": "arn"}),
        "policy": Call(
            "ecr-public:GetRepositoryPolicy",
            {"repositoryName": "name"},
            absent=("RepositoryPolicyNotFoundException",),
        ),
    },
    columns=(
        Column("repository_uri", Str, "repositoryUri", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column(
            "policy", Policy("resource"), "policy.policyText", "", doc="Who may push; empty: the account."
        ),
    ),
)

TABLES = (repository, registry, pull_through_cache_rule, public_repository)
