"""Amazon CloudFront: distributions with their origins, behaviours, certificates and logging."""

import re
from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

Element = Mapping[str, Any]

_BUCKET: Final = re.compile(
    r"^(?P<bucket>.+)\.s3[.-](?!website)(?:dualstack\.)?(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?$"
)


def bucket_of(domain: str) -> str:
    """The bucket that an origin's domain names, "" where it is none or a website endpoint."""
    found = _BUCKET.match(domain)
    return found["bucket"] if found else ""


def _origin_type(origin: Element) -> str:
    domain = str(origin.get("DomainName", ""))
    if origin.get("VpcOriginConfig"):
        return "vpc"
    if ".lambda-url." in domain:
        return "lambda-url"
    if ".s3-website" in domain:
        return "s3-website"
    return "s3" if origin.get("S3OriginConfig") or bucket_of(domain) else "custom"


def _buckets(distribution: Element) -> list[str]:
    origins = (distribution.get("Origins") or {}).get("Items") or ()
    return sorted({bucket for o in origins if (bucket := bucket_of(str(o.get("DomainName", ""))))})


def _behaviors(distribution: Element) -> list[Element]:
    """The default behaviour, with the path pattern *, and the others."""
    first = {"PathPattern": "*", **(distribution.get("DefaultCacheBehavior") or {})}
    return [first, *((distribution.get("CacheBehaviors") or {}).get("Items") or ())]


distribution = Table(
    "cloudfront_distribution",
    service="cloudfront",
    scope="global",
    resource_type="AWS::CloudFront::Distribution",
    doc="A distribution; secret values of custom origin headers are not kept.",
    rows=Call("cloudfront:ListDistributions", at="DistributionList.Items"),
    arn="ARN",
    title="Id",
    tags="tagging.Tags",
    calls={
        "config": Call(
            "cloudfront:GetDistributionConfig", {"Id": "distribution_id"}, at="DistributionConfig"
        ),
        "tagging": tagging("cloudfront:distribution"),
    },
    columns=(
        Column("distribution_id", Str, "Id"),
        Column("status", Str, "Status", ""),
        Column("enabled", Bool, "Enabled"),
        Column("domain_name", Str, "DomainName", ""),
        Column("aliases", List(Str), "Aliases.Items", doc="Its alternate domain names."),
        Column("last_modified", Timestamp, "LastModifiedTime"),
        Column(
            "web_acl_id",
            Str,
            "WebACLId",
            "",
            doc="ARN of the AWS WAF web ACL, or the id of a classic one; empty: none.",
        ),
        Column(
            "origins",
            List(
                Struct(
                    Field("origin_id", Str, "Id", ""),
                    Field("domain_name", Str, "DomainName", ""),
                    Field(
                        "origin_type",
                        Enum("s3", "s3-website", "lambda-url", "vpc", "custom"),
                        ".",
                        fn=_origin_type,
                    ),
                    Field("origin_access_control_id", Str, "OriginAccessControlId", ""),
                    Field("origin_access_identity", Str, "S3OriginConfig.OriginAccessIdentity", ""),
                    Field(
                        "protocol_policy",
                        Enum("http-only", "match-viewer", "https-only", ""),
                        "CustomOriginConfig.OriginProtocolPolicy",
                        "",
                    ),
                    Field("ssl_protocols", List(Str), "CustomOriginConfig.OriginSslProtocols.Items", []),
                    Field("origin_path", Str, "OriginPath", ""),
                    Field("vpc_origin_id", Str, "VpcOriginConfig.VpcOriginId", ""),
                    Field("http_port", Int, "CustomOriginConfig.HTTPPort", 0),
                    Field("https_port", Int, "CustomOriginConfig.HTTPSPort", 0),
                )
            ),
            "Origins.Items",
            doc="Its origins; protocol_policy and ssl_protocols are empty for S3 and VPC origins.",
        ),
        Column(
            "s3_bucket_names",
            List(Str),
            ".",
            fn=_buckets,
            doc="The buckets that its origins name, websites left out.",
        ),
        Column(
            "origin_group_ids", List(Str), "OriginGroups.Items[].Id", doc="Its groups for origin failover."
        ),
        Column(
            "behaviors",
            List(
                Struct(
                    Field("path_pattern", Str, "PathPattern", ""),
                    Field("target_origin_id", Str, "TargetOriginId", ""),
                    Field(
                        "viewer_protocol_policy",
                        Enum("allow-all", "https-only", "redirect-to-https"),
                        "ViewerProtocolPolicy",
                    ),
                    Field("field_level_encryption_id", Str, "FieldLevelEncryptionId", ""),
                    Field("trusted_signers", Bool, "TrustedSigners.Enabled", False),
                    Field("trusted_key_groups", Bool, "TrustedKeyGroups.Enabled", False),
                    Field("response_headers_policy_id", Str, "ResponseHeadersPolicyId", ""),
                    Field("realtime_log_config_arn", Str, "RealtimeLogConfigArn", ""),
                )
            ),
            ".",
            fn=_behaviors,
            doc="Its cache behaviours, the default one (path pattern *) first.",
        ),
        Column(
            "default_certificate",
            Bool,
            "ViewerCertificate.CloudFrontDefaultCertificate",
            False,
            doc="Viewers get CloudFront's own certificate.",
        ),
        Column("acm_certificate_arn", Str, "ViewerCertificate.ACMCertificateArn", ""),
        Column("iam_certificate_id", Str, "ViewerCertificate.IAMCertificateId", ""),
        Column(
            "minimum_protocol_version",
            Str,
            "ViewerCertificate.MinimumProtocolVersion",
            "TLSv1",
            doc="The TLS security policy for viewers, such as TLSv1.2_2021.",
        ),
        Column(
            "ssl_support_method",
            Enum("sni-only", "vip", "static-ip", ""),
            "ViewerCertificate.SSLSupportMethod",
            "",
        ),
        Column(
            "geo_restriction_type",
            Enum("blacklist", "whitelist", "none"),
            "Restrictions.GeoRestriction.RestrictionType",
            "none",
        ),
        Column("default_root_object", Str, "config.DefaultRootObject", ""),
        Column(
            "standard_logging", Bool, "config.Logging.Enabled", False, doc="Legacy standard logging to S3."
        ),
        Column("logging_bucket", Str, "config.Logging.Bucket", ""),
    ),
    relations=(
        Relation("shield", "shield_subscription", ("subscription_state",), {"account_id": "account_id"}),
        Relation("shield_protections", "shield_protection", ("protection_id",), {"arn": "resource_arn"}),
        Relation(
            "log_deliveries",
            "cloudfront_log_delivery",
            ("name", "log_type"),
            {"arn": "resource_arn"},
            doc="Sources of standard logging v2, which is set up in CloudWatch Logs.",
        ),
        Relation(
            "s3_buckets",
            "s3_bucket",
            ("name",),
            {"s3_bucket_names[]": "name"},
            doc="The origins' buckets, as far as they are in the scanned accounts.",
        ),
    ),
)

log_delivery = Table(
    "cloudfront_log_delivery",
    service="cloudfront",
    scope="global",
    resource_type="AWS::Logs::DeliverySource",
    doc="A source of log delivery for a distribution (standard logging v2).",
    rows=Call("logs:DescribeDeliverySources", at="deliverySources"),
    arn="arn",
    title="name",
    tags="tags",
    keep=lambda e: e.get("service") == "cloudfront",
    columns=(
        Column(
            "resource_arn", Str, "resourceArns", fn=lambda v: v[0] if v else None, doc="The distribution."
        ),
        Column("log_type", Str, "logType", "", doc="ACCESS_LOGS or CONNECTION_LOGS."),
    ),
)

origin_access_control = Table(
    "cloudfront_origin_access_control",
    service="cloudfront",
    scope="global",
    resource_type="AWS::CloudFront::OriginAccessControl",
    doc="An origin access control: how CloudFront signs its requests to an origin.",
    rows=Call("cloudfront:ListOriginAccessControls", at="OriginAccessControlList.Items"),
    arn="arn:{partition}:cloudfront::{account_id}:origin-access-control/{origin_access_control_id}",
    title="Name",
    columns=(
        Column("origin_access_control_id", Str, "Id"),
        Column(
            "signing_behavior", Enum("never", "always", "no-override", "always-amz-auth"), "SigningBehavior"
        ),
        Column("signing_protocol", Str, "SigningProtocol"),
        Column(
            "origin_type",
            Enum("s3", "mediastore", "mediapackagev2", "lambda"),
            "OriginAccessControlOriginType",
        ),
    ),
)

vpc_origin = Table(
    "cloudfront_vpc_origin",
    service="cloudfront",
    scope="global",
    resource_type="AWS::CloudFront::VpcOrigin",
    doc="A private load balancer or instance that CloudFront reaches inside its VPC.",
    rows=Call("cloudfront:ListVpcOrigins", at="VpcOriginList.Items"),
    arn="Arn",
    title="Name",
    columns=(
        Column("vpc_origin_id", Str, "Id"),
        Column("status", Str, "Status", ""),
        Column("origin_endpoint_arn", Str, "OriginEndpointArn", "", doc="A load balancer or an instance."),
    ),
)

TABLES = (distribution, log_delivery, origin_access_control, vpc_origin)
