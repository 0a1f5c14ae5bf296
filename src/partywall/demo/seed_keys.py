"""Keys, certificates and secrets."""

from __future__ import annotations

import datetime
from typing import Any

from partywall.demo.desk import HOME, REGIONS, Desk, allow, policy, tags


def _key_policy(desk: Desk, *more: dict[str, Any]) -> str:
    return policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{desk.account}:root"}), *more)


def _keys(desk: Desk) -> None:
    for region in REGIONS:
        kms = desk.at("kms", region)
        made = kms.create_key(
            Description="data at rest",
            Policy=_key_policy(desk),
            Tags=[{"TagKey": "team", "TagValue": "platform"}],
        )["KeyMetadata"]["Arn"]
        desk.ids[f"key/data/{region}"] = made
        kms.create_alias(AliasName="alias/data", TargetKeyId=made)
        if desk.name != "sandbox":
            kms.enable_key_rotation(KeyId=made)
    if desk.name != "production":
        return
    kms = desk.at("kms")
    foreign = allow(
        ["kms:Decrypt", "kms:GenerateDataKey"], Principal={"AWS": "arn:aws:iam::464622532012:root"}
    )
    for name, document, options in (
        ("legacy-no-rotation", _key_policy(desk), {}),
        ("partner-shared", _key_policy(desk, foreign), {}),
        ("wildcard", _key_policy(desk, allow("kms:*", Principal="*")), {}),
        (
            "wildcard-by-service",
            _key_policy(
                desk,
                allow(
                    "kms:Decrypt",
                    Principal={"AWS": "*"},
                    Condition={"StringEquals": {"kms:CallerAccount": desk.account}},
                ),
            ),
            {},
        ),
        ("signing", _key_policy(desk), {"KeyUsage": "SIGN_VERIFY", "KeySpec": "ECC_NIST_P256"}),
    ):
        made = kms.create_key(Description=name, Policy=document, **options)["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=made)
        desk.ids[f"key/{name}"] = made
    going = kms.create_key(Description="2019 archive")["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=going, PendingWindowInDays=30)
    kms.disable_key(KeyId=kms.create_key(Description="paused")["KeyMetadata"]["KeyId"])


def _self_signed(name: str, days_left: int, bits: int) -> tuple[bytes, bytes]:
    """A certificate and its key, both in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days_left)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1000 + days_left % 1000)
        .not_valid_before(end - datetime.timedelta(days=398))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return certificate.public_bytes(encoding), private


def _certificates(desk: Desk) -> None:
    acm = desk.at("acm")
    for name, days in (("tracking", -40), ("edi", 12), ("office", 250)):
        # ACM takes no expired certificate, so that one is aged after it was imported.
        body, key = _self_signed(f"{name}.brightwater.example", max(days, 1), 2048)
        made = acm.import_certificate(Certificate=body, PrivateKey=key, Tags=tags("web", desk.name))
        if days < 0:
            desk.age("certificate_end", made["CertificateArn"], -days)
    for region, name in ((HOME, "www"), ("us-east-1", "cdn")):
        made = desk.at("acm", region).request_certificate(
            DomainName=f"{name}.brightwater.example",
            ValidationMethod="DNS" if name == "www" else "EMAIL",
            Tags=tags("web", desk.name),
        )["CertificateArn"]
        desk.ids[f"certificate/{name}"] = made
    body, key = _self_signed("vpn.brightwater.example", -410, 2048)
    desk.at("iam").upload_server_certificate(
        ServerCertificateName="vpn-2020", CertificateBody=body.decode(), PrivateKey=key.decode()
    )


def _secrets(desk: Desk) -> None:
    secrets = desk.at("secretsmanager")
    for name, days in (
        ("shop/orders-db", 20),
        ("shop/stripe-webhook", 40),
        ("legacy/ftp-partner", 900),
        ("data/redshift-admin", 500),
        ("mobile/push-key", 3),
    ):
        secrets.create_secret(
            Name=name, SecretString="{}", KmsKeyId=desk.ids[f"key/data/{HOME}"], Tags=tags("shop", desk.name)
        )
        desk.age("secret", name, days)
    secrets.put_resource_policy(
        SecretId="legacy/ftp-partner",
        ResourcePolicy=policy(
            allow("secretsmanager:GetSecretValue", Principal={"AWS": "arn:aws:iam::464622532012:root"})
        ),
    )
    ssm = desk.at("ssm")
    for name, kind, value in (
        ("/shop/api-url", "String", "https://api.brightwater.example"),
        ("/shop/db-password", "String", "not-a-real-one"),
        ("/shop/session-key", "SecureString", "not-a-real-one"),
        ("/mobile/feature-flags", "StringList", "map,eta"),
    ):
        ssm.put_parameter(Name=name, Type=kind, Value=value, Tags=tags("shop", desk.name))


def _hsm(desk: Desk) -> None:
    desk.at("cloudhsmv2", "eu-central-1").create_cluster(
        HsmType="hsm1.medium", SubnetIds=[desk.ids["subnet/main-private-a/eu-central-1"]]
    )


def seed_keys(desk: Desk) -> None:
    """Fill keys of one account, and certificates and secrets of production; ids under `key/NAME`."""
    _keys(desk)
    if desk.name == "production":
        _certificates(desk)
        _secrets(desk)


def seed_hsm(desk: Desk) -> None:
    """A CloudHSM cluster in production; needs the network."""
    if desk.name == "production":
        _hsm(desk)
