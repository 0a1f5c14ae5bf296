"""Amazon Route 53: hosted zones with their records, and registered domains."""

import re
from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]

_S3_ENDPOINT: Final = re.compile(r"(^|\.)s3(-website)?[.-]([a-z0-9-]+\.)?amazonaws\.com\.?$")


def _plain_id(path: str) -> str:
    return path.rpartition("/")[2]


def _record_key(record: Element) -> str:
    parts = [record.get("Name", ""), record.get("Type", ""), record.get("SetIdentifier", "")]
    return "/".join(part for part in parts if part)


def s3_website_bucket(record: Element) -> str:
    """The bucket that a record serves (S3 takes the host as its name), else ""."""
    alias = (record.get("AliasTarget") or {}).get("DNSName", "")
    values = [v.get("Value", "") for v in record.get("ResourceRecords") or ()]
    targets = [alias] if alias else values if record.get("Type") == "CNAME" else []
    if not any(_S3_ENDPOINT.search(str(target).lower()) for target in targets):
        return ""
    return str(record.get("Name", "")).removesuffix(".").lower()


hosted_zone = Table(
    "route53_hosted_zone",
    service="route53",
    scope="global",
    resource_type="AWS::Route53::HostedZone",
    doc="A hosted zone with its query logging and DNSSEC signing.",
    rows=Call("route53:ListHostedZones", at="HostedZones"),
    arn="arn:{partition}:route53:::hostedzone/{zone_id}",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": Batch(
            "route53:ListTagsForResources",
            param="ResourceIds",
            by="zone_id",
            at="ResourceTagSets",
            key="ResourceId",
            size=10,
            params={"ResourceType": Const("hostedzone")},
        ),
        "logging": Lookup(
            "route53:ListQueryLoggingConfigs", at="QueryLoggingConfigs", key="HostedZoneId", by="zone_id"
        ),
        "dnssec": Call(
            "route53:GetDNSSEC", {"HostedZoneId": "zone_id"}, when=lambda row: row.get("is_private") is False
        ),
        "zone": Call("route53:GetHostedZone", {"Id": "zone_id"}),
    },
    columns=(
        Column("zone_id", Str, "Id", fn=_plain_id),
        Column("is_private", Bool, "Config.PrivateZone", False),
        Column("comment", Str, "Config.Comment", ""),
        Column("record_count", Int, "ResourceRecordSetCount", 0),
        Column("managed_by", Str, "LinkedService.ServicePrincipal", "", doc="The AWS service that made it."),
        Column(
            "query_log_group_arn",
            Str,
            "logging.CloudWatchLogsLogGroupArn",
            "",
            doc="Where public DNS queries are logged; empty: nowhere.",
        ),
        Column(
            "dnssec_status",
            Str,
            "dnssec.Status.ServeSignature",
            "NOT_SIGNING",
            doc="SIGNING where answers are signed; private zones cannot be.",
        ),
        Column("vpc_ids", List(Str), "zone.VPCs[].VPCId", doc="The VPCs that a private zone serves."),
    ),
    relations=(
        Relation("shield", "shield_subscription", ("subscription_state",), {"account_id": "account_id"}),
        Relation("shield_protections", "shield_protection", ("protection_id",), {"arn": "resource_arn"}),
    ),
)

record = Table(
    "route53_record",
    service="route53",
    scope="global",
    resource_type="AWS::Route53::RecordSet",
    doc="A record set of a hosted zone.",
    parent="route53_hosted_zone",
    rows=Call("route53:ListResourceRecordSets", {"HostedZoneId": "@parent.zone_id"}, at="ResourceRecordSets"),
    arn="arn:{partition}:route53:::hostedzone/{zone_id}/recordset/{record_key}",
    title="Name",
    columns=(
        Column("zone_id", Str, "@parent.zone_id"),
        Column("is_private", Bool, "@parent.is_private"),
        Column(
            "record_key", Str, ".", fn=_record_key, doc="Name, type and set identifier, joined by slashes."
        ),
        Column("type", Str, "Type"),
        Column("ttl", Int, "TTL", 0, doc="Seconds; 0 for aliases."),
        Column("values", List(Str), "ResourceRecords[].Value"),
        Column("alias_target", Str, "AliasTarget.DNSName", "", doc="Empty: no alias."),
        Column("health_check_id", Str, "HealthCheckId", ""),
        Column(
            "s3_bucket_name",
            Str,
            ".",
            fn=s3_website_bucket,
            doc="The bucket that answers for it, where it points to S3; else empty.",
        ),
    ),
    relations=(
        Relation(
            "s3_buckets",
            "s3_bucket",
            ("name",),
            {"s3_bucket_name": "name"},
            doc="That bucket, if it is in the scanned accounts.",
        ),
    ),
)

domain = Table(
    "route53_domain",
    service="route53",
    scope="global",
    resource_type="AWS::Route53Domains::Domain",
    doc="A domain registered with Route 53; its contacts' data are not kept.",
    rows=Call("route53domains:ListDomains", at="Domains"),
    arn="arn:{partition}:route53domains:::domain/{name}",
    title="DomainName",
    tags="tagging.TagList",
    calls={
        "detail": Call("route53domains:GetDomainDetail", {"DomainName": "name"}),
        "tagging": Call("route53domains:ListTagsForDomain", {"DomainName": "name"}),
    },
    columns=(
        Column("auto_renew", Bool, "AutoRenew", False),
        Column("transfer_lock", Bool, "TransferLock", False),
        Column("expires_at", Timestamp, "Expiry"),
        Column("created_at", Timestamp, "detail.CreationDate"),
        Column("registrar", Str, "detail.RegistrarName", ""),
        Column("admin_privacy", Bool, "detail.AdminPrivacy", False, doc="WHOIS hides the admin contact."),
        Column("registrant_privacy", Bool, "detail.RegistrantPrivacy", False),
        Column("tech_privacy", Bool, "detail.TechPrivacy", False),
        Column("status_codes", List(Str), "detail.StatusList", doc="EPP status codes."),
        Column(
            "dnssec_keys",
            List(Struct(Field("algorithm", Int, "Algorithm", 0), Field("digest_type", Int, "DigestType", 0))),
            "detail.DnssecKeys",
            doc="Keys given to the registry; none: the chain of trust is open.",
        ),
    ),
)

health_check = Table(
    "route53_health_check",
    service="route53",
    scope="global",
    resource_type="AWS::Route53::HealthCheck",
    doc="A health check.",
    rows=Call("route53:ListHealthChecks", at="HealthChecks"),
    arn="arn:{partition}:route53:::healthcheck/{health_check_id}",
    title="Id",
    columns=(
        Column("health_check_id", Str, "Id"),
        Column(
            "type",
            Enum(
                "HTTP",
                "HTTPS",
                "HTTP_STR_MATCH",
                "HTTPS_STR_MATCH",
                "TCP",
                "CALCULATED",
                "CLOUDWATCH_METRIC",
                "RECOVERY_CONTROL",
            ),
            "HealthCheckConfig.Type",
        ),
        Column("disabled", Bool, "HealthCheckConfig.Disabled", False),
        Column("fqdn", Str, "HealthCheckConfig.FullyQualifiedDomainName", ""),
        Column("ip_address", Str, "HealthCheckConfig.IPAddress", ""),
    ),
)

TABLES = (hosted_zone, record, domain, health_check)
