"""Ways in that nobody drew: a public function, a pipeline's key, a sandbox that reaches production."""

from __future__ import annotations

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags, trust

_IMAGE = "ami-04681a1dbd79675a5"
_EXPORTS = "brightwater-customer-exports"


def _function(desk: Desk, name: str, role: str) -> None:
    from partywall.demo.seed_compute import function_code

    desk.at("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": function_code()},
        Tags=tag_map("shop", desk.name),
    )


def _role(desk: Desk, name: str, trusted: str, *statements: dict[str, object]) -> str:
    iam = desk.at("iam")
    made: str = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trusted, Tags=tags("platform", desk.name)
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="task", PolicyDocument=policy(*statements))
    desk.ids[f"role/{name}"] = made
    return made


def _public_function(desk: Desk) -> None:
    """A parcel tracker for partners, open to all, whose role may read every secret of the shop."""
    role = _role(
        desk,
        "parcel-tracker",
        trust({"Service": "lambda.amazonaws.com"}),
        allow("secretsmanager:GetSecretValue", desk.arn("secretsmanager", "secret:shop/*")),
        allow("kms:Decrypt", desk.arn("kms", "key/*")),
    )
    _function(desk, "parcel-tracker", role)
    functions = desk.at("lambda")
    functions.create_function_url_config(FunctionName="parcel-tracker", AuthType="NONE")
    functions.add_permission(
        FunctionName="parcel-tracker",
        StatementId="public-url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )


def _pipeline_key(desk: Desk) -> None:
    """A pipeline's user may change the code of a function that runs as the operator of backups."""
    role = _role(
        desk,
        "backup-operator",
        trust({"Service": "lambda.amazonaws.com"}),
        allow(["backup:DeleteRecoveryPoint", "backup:ListRecoveryPointsByBackupVault"]),
    )
    _function(desk, "backup-rotation", role)
    iam = desk.at("iam")
    iam.create_user(UserName="ci-release", Tags=tags("automation", desk.name))
    desk.age("iam_user", "ci-release", 700)
    iam.put_user_policy(
        UserName="ci-release",
        PolicyName="release",
        PolicyDocument=policy(
            allow(
                ["lambda:UpdateFunctionCode", "lambda:GetFunction", "lambda:InvokeFunction"],
                desk.arn("lambda", "function:backup-rotation"),
            )
        ),
    )
    key = iam.create_access_key(UserName="ci-release")["AccessKey"]["AccessKeyId"]
    desk.age("iam_access_key", key, 430)
    desk.age("iam_access_key_used", key, 1)


def _exports(desk: Desk) -> None:
    """What customers have shipped, classified as confidential."""
    s3 = desk.at("s3")
    s3.create_bucket(Bucket=_EXPORTS, CreateBucketConfiguration={"LocationConstraint": HOME})
    s3.put_bucket_tagging(
        Bucket=_EXPORTS,
        Tagging={"TagSet": tags("data", desk.name, data_classification="confidential")},
    )
    s3.put_public_access_block(
        Bucket=_EXPORTS,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )


def _sandbox(sandbox: Desk, production: Desk) -> None:
    """A notebook machine in the sandbox, forgotten in public, whose role production lets in."""
    bridge = f"arn:aws:iam::{production.account}:role/analytics-bridge"
    role = _role(
        sandbox,
        "lab-notebook",
        trust({"Service": "ec2.amazonaws.com"}),
        allow("sts:AssumeRole", bridge),
    )
    _role(
        production,
        "analytics-bridge",
        trust({"AWS": role}),
        allow(
            ["s3:GetObject", "s3:ListBucket"],
            [f"arn:aws:s3:::{_EXPORTS}", f"arn:aws:s3:::{_EXPORTS}/*"],
        ),
    )
    iam = sandbox.at("iam")
    iam.create_instance_profile(InstanceProfileName="lab-notebook")
    iam.add_role_to_instance_profile(InstanceProfileName="lab-notebook", RoleName="lab-notebook")
    made = sandbox.at("ec2").run_instances(
        ImageId=_IMAGE,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=sandbox.ids[f"subnet/legacy-public-a/{HOME}"],
        SecurityGroupIds=[sandbox.ids[f"sg/legacy-ssh-anywhere/{HOME}"]],
        MetadataOptions={"HttpTokens": "optional"},
        IamInstanceProfile={"Name": "lab-notebook"},
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": "Name", "Value": "lab-notebook"}, *tags("data", sandbox.name)],
            }
        ],
    )["Instances"][0]["InstanceId"]
    sandbox.age("instance", made, 300)


def seed_attack(desks: list[Desk]) -> None:
    """Add the ways in; needs everything else of all accounts."""
    by_name = {desk.name: desk for desk in desks}
    production = by_name["production"]
    _public_function(production)
    _pipeline_key(production)
    _exports(production)
    _sandbox(by_name["sandbox"], production)
