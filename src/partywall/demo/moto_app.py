"""moto's WSGI application with AWS's managed policies, and no slower than it must be."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from partywall.demo.http import Request
from partywall.demo.protocol import AwsError


@functools.cache
def _aws_policy_data() -> dict[str, dict[str, Any]]:
    from moto.iam import aws_managed_policies

    return json.loads(aws_managed_policies.aws_managed_policies_data)


def _aws_policies(backend: Any) -> list[Any]:
    """AWS's managed policies of an account, which moto would parse anew for each of eight partitions."""
    from moto.iam.models import AWSManagedPolicy

    if backend.region_name != "aws":
        return []
    make: Any = AWSManagedPolicy.from_data
    return [make(name, backend.account_id, "aws", data) for name, data in _aws_policy_data().items()]


def _authorization_details(backend: Any, policy_filter: list[str]) -> dict[str, Any]:
    """The account's details without the AWS managed policies that nothing is attached to, as AWS answers."""
    details: dict[str, Any] = backend.all_account_authorization_details(policy_filter)
    unused = {policy.arn for policy in backend.aws_managed_policies if not policy.attachment_count}
    used = [policy for policy in details["managed_policies"] if policy.arn not in unused]
    return {**details, "managed_policies": used}


def _snapshots(response: Any) -> Any:
    """DescribeSnapshots by owner and by who may restore, which moto leaves out.

    Everyone's snapshots would look like one's own, and every one public.
    """
    from moto.core.responses import ActionResult

    wanted: list[str] = response._get_param("SnapshotIds", [])
    snapshots: list[Any] = response.ec2_backend.describe_snapshots(
        snapshot_ids=wanted, filters=response._filters_from_querystring()
    )
    owners = {
        response.current_account if owner == "self" else owner
        for owner in response._get_param("OwnerIds", [])
    }
    if owners:
        snapshots = [snapshot for snapshot in snapshots if snapshot.owner_id in owners]
    restorers = set(response._get_param("RestorableByUserIds", []))
    if restorers:
        snapshots = [
            s
            for s in snapshots
            if restorers & {*s.create_volume_permission_groups, *s.create_volume_permission_userids}
        ]
    return ActionResult({"Snapshots": snapshots})


def _buckets(response: Any) -> Any:
    """ListBuckets with each bucket's Region where the request has a parameter, as AWS answers it."""
    status, headers, body = response.all_buckets_alone()
    if response._get_param("max-buckets") is None:
        return status, headers, body
    text = body.decode() if isinstance(body, bytes) else body
    for name, bucket in response.backend.buckets.items():
        told = f"<Name>{name}</Name>"
        text = text.replace(told, f"{told}<BucketRegion>{bucket.region_name}</BucketRegion>")
    return status, headers, text


def as_seen_in_organizations(request: Request, account: str, operation: str) -> Request:
    """The request as AWS Organizations takes it: for the management account where it may ask, as AWS has it.

    moto keeps the organization with its management account and shows the members an empty one. Raises
    AwsError where a member account that administers nothing asks for more than the organization's summary.
    """
    from moto.organizations.models import organizations_backends

    backends: Any = organizations_backends
    everyones = ("DescribeOrganization", "DescribeEffectivePolicy", "LeaveOrganization")
    if account not in backends.master_accounts or operation in everyones:
        return request
    master, partition = backends.master_accounts[account]
    if account == master:
        return request
    if all(admin.account.id != account for admin in backends[master][partition].admins):
        raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")
    # moto's own header for tests, which names the account outright.
    return replace(request, raw_headers=[*request.raw_headers, ("x-moto-account-id", master)])


def moto_application() -> Any:
    """moto's WSGI application, which remembers the service of each host and refuses those it lacks."""
    # Read by moto when it is first imported: browsers' cross-origin headers cost time in every request.
    os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
    # A few images for every region; moto's own make 1,300 snapshots and volumes in each account and region.
    os.environ.setdefault("MOTO_AMIS_PATH", str(Path(__file__).with_name("amis.json")))
    from moto.core import utils
    from moto.core.loaders import Loader, moto_root
    from moto.iam.models import IAMBackend
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from partywall.aws.models import loader

    # One loader for all models: a new one for each would list botocore's folders again.
    make: Any = Loader
    models = make(extra_search_paths=[moto_root], file_loader=cast(Any, loader()).file_loader)
    cast(Any, utils).create_loader = lambda: models
    iam: Any = IAMBackend
    iam._init_aws_policies = _aws_policies
    if not hasattr(iam, "all_account_authorization_details"):
        iam.all_account_authorization_details = iam.get_account_authorization_details
        iam.get_account_authorization_details = _authorization_details

    from moto.ec2.responses.elastic_block_store import ElasticBlockStore

    cast(Any, ElasticBlockStore).describe_snapshots = _snapshots

    from moto.s3.responses import S3Response

    s3 = cast(Any, S3Response)
    if not hasattr(s3, "all_buckets_alone"):
        s3.all_buckets_alone = s3.all_buckets
        s3.all_buckets = _buckets

    class Application(DomainDispatcherApplication):
        def __init__(self) -> None:
            super().__init__(create_backend_app)
            self._backends: dict[str, str] = {"moto_api": "moto_api"}

        def get_backend_for_host(self, host: str | None) -> str | None:
            if host is None:
                return None
            if host not in self._backends:
                address = f"http://{host}"
                found = next((name for name, url in self.backend_url_patterns if url.match(address)), host)
                if found == host and "amazonaws.com" in host:
                    raise NotImplementedError(host)
                self._backends[host] = found
            return self._backends[host]

    return Application()
