"""What faces the internet besides load balancers: CloudFront, API Gateway, WAF, Shield."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags


def _visibility(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def _firewalls(desk: Desk) -> None:
    for name, scope, region, rules in (
        (
            "shop",
            "REGIONAL",
            HOME,
            [
                {
                    "Name": "common",
                    "Priority": 0,
                    "OverrideAction": {"None": {}},
                    "VisibilityConfig": _visibility("common"),
                    "Statement": {
                        "ManagedRuleGroupStatement": {
                            "VendorName": "AWS",
                            "Name": "AWSManagedRulesCommonRuleSet",
                        }
                    },
                }
            ],
        ),
        ("empty", "REGIONAL", HOME, []),
        (
            "cdn",
            "CLOUDFRONT",
            "us-east-1",
            [
                {
                    "Name": "rate",
                    "Priority": 0,
                    "Action": {"Block": {}},
                    "VisibilityConfig": _visibility("rate"),
                    "Statement": {"RateBasedStatement": {"Limit": 2000, "AggregateKeyType": "IP"}},
                }
            ],
        ),
    ):
        made = desk.at("wafv2", region).create_web_acl(
            Name=name,
            Scope=scope,
            DefaultAction={"Allow": {}},
            Rules=rules,
            VisibilityConfig=_visibility(name),
            Tags=tags("web", desk.name),
        )["Summary"]["ARN"]
        desk.ids[f"waf/{name}"] = made
    waf = desk.at("wafv2")
    waf.create_ip_set(Name="offices", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["203.0.113.0/24"])
    waf.associate_web_acl(WebACLArn=desk.ids["waf/shop"], ResourceArn=desk.ids["alb/shop"])
    old = {"WebACLId": "3f1c9a60-0000-4000-8000-000000000001", "Name": "portal-2016"}
    rule = {"RuleId": "3f1c9a60-0000-4000-8000-000000000002", "Name": "block-scanners"}
    for service, region in (("waf", "*"), ("waf-regional", HOME)):
        desk.put(service, "ListWebACLs", {"WebACLs": [old]}, region)
        desk.put(service, "ListRules", {"Rules": [rule]}, region)
        desk.put(service, "ListRuleGroups", {"RuleGroups": []}, region)
        desk.put(
            service,
            "GetWebACL",
            {
                "WebACL": {
                    **old,
                    "MetricName": "portal",
                    "DefaultAction": {"Type": "ALLOW"},
                    "Rules": [],
                    "WebACLArn": desk.arn("waf", f"webacl/{old['WebACLId']}", ""),
                }
            },
            region,
            {"WebACLId": old["WebACLId"]},
        )
        desk.put(
            service,
            "GetRule",
            {"Rule": {**rule, "MetricName": "scanners", "Predicates": []}},
            region,
            {"RuleId": rule["RuleId"]},
        )


def _origin(name: str, domain: str, protocol: str) -> dict[str, Any]:
    return {
        "Id": name,
        "DomainName": domain,
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": protocol,
            "OriginSslProtocols": {
                "Quantity": 1,
                "Items": ["TLSv1.2" if protocol == "https-only" else "SSLv3"],
            },
        },
    }


def _distributions(desk: Desk) -> None:
    cloudfront = desk.at("cloudfront", "us-east-1")
    bucket = "brightwater-www-prod.s3.eu-west-1.amazonaws.com"
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": "www",
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )["OriginAccessControl"]["Id"]
    s3_origin = {
        "Id": "www",
        "DomainName": bucket,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": control,
    }
    certificate = {
        "ACMCertificateArn": desk.ids["certificate/cdn"],
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    for name, origin, viewer, logging, extra in (
        (
            "www",
            s3_origin,
            "redirect-to-https",
            True,
            {
                "ViewerCertificate": certificate,
                "WebACLId": desk.ids["waf/cdn"],
                "DefaultRootObject": "index.html",
            },
        ),
        (
            "legacy-portal",
            _origin("portal", "portal.brightwater.example", "http-only"),
            "allow-all",
            False,
            {"ViewerCertificate": {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"}},
        ),
        ("api", _origin("api", "api.brightwater.example", "https-only"), "https-only", False, {}),
    ):
        cloudfront.create_distribution(
            DistributionConfig={
                "CallerReference": name,
                "Comment": name,
                "Enabled": True,
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": {
                    "TargetOriginId": origin["Id"],
                    "ViewerProtocolPolicy": viewer,
                    "MinTTL": 0,
                    "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                },
                "Logging": {
                    "Enabled": logging,
                    "IncludeCookies": False,
                    "Prefix": "",
                    "Bucket": "brightwater-logs-prod.s3.amazonaws.com" if logging else "",
                },
                **extra,
            }
        )


def _apis(desk: Desk) -> None:
    gateway = desk.at("apigateway")
    function = desk.arn("lambda", "function:orders-api")
    uri = f"arn:aws:apigateway:{HOME}:lambda:path/2015-03-31/functions/{function}"
    for name, auth, kind in (("orders", "AWS_IAM", "REGIONAL"), ("legacy-tracking", "NONE", "EDGE")):
        api = gateway.create_rest_api(
            name=name,
            endpointConfiguration={"types": [kind]},
            tags=tag_map("shop", desk.name),
            **({"policy": policy(allow("execute-api:Invoke", Principal="*"))} if auth == "NONE" else {}),
        )["id"]
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType=auth)
        gateway.put_integration(
            restApiId=api,
            resourceId=root,
            httpMethod="GET",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"{uri}/invocations",
        )
        deployment = gateway.create_deployment(restApiId=api)["id"]
        gateway.create_stage(
            restApiId=api,
            stageName="prod",
            deploymentId=deployment,
            tracingEnabled=auth != "NONE",
            cacheClusterEnabled=auth == "NONE",
            **({"cacheClusterSize": "0.5"} if auth == "NONE" else {}),
        )
    http = desk.at("apigatewayv2")
    for name, auth in (("mobile", "AWS_IAM"), ("public-rates", "NONE")):
        api = http.create_api(Name=name, ProtocolType="HTTP", Tags=tag_map("mobile", desk.name))["ApiId"]
        http.create_route(ApiId=api, RouteKey="GET /rates", AuthorizationType=auth)
        log = {"DestinationArn": desk.arn("logs", "log-group:/api/mobile"), "Format": "$context.requestId"}
        http.create_stage(
            ApiId=api,
            StageName="$default",
            AutoDeploy=True,
            **({"AccessLogSettings": log} if name == "mobile" else {}),
        )


def seed_edge(desk: Desk) -> None:
    """Fill production's edge; needs certificates, load balancers and functions."""
    if desk.name != "production":
        return
    _firewalls(desk)
    _distributions(desk)
    _apis(desk)
    shield = desk.at("shield", "us-east-1")
    shield.create_subscription()
    shield.create_protection(Name="shop", ResourceArn=desk.ids["alb/shop"])
