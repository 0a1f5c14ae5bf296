"""The world of a scan: its principals, resources with policies, and the organization's policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.evaluate import Layer, PolicySet
from partywall.analysis.iam.managed import managed_policy
from partywall.analysis.iam.people import Grouping, People, Person, customer_managed
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.s3_sharing import acl_policy, public_blocked
from partywall.analysis.iam.world import Account, Held, Identity, World

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

Row = dict[str, Any]

_BOTH: Final = frozenset((Layer.SCP, Layer.RCP))
_KINDS: Final = {"SERVICE_CONTROL_POLICY": Layer.SCP, "RESOURCE_CONTROL_POLICY": Layer.RCP}
# AWS Organizations User Guide, Resource control policies: RCPFullAWSAccess is attached to the root, every
# unit and every account, and cannot be detached.
_RCP_FULL: Final = (
    '{"Version": "2012-10-17", "Statement":'
    ' [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'
)
# Tables whose policy is of all the service's resources in an account and Region.
_WIDE: Final = {"glue_data_catalog": "glue", "logs_resource_policy": "logs"}
# Services of which each resource with a policy of its own is a row of a table, so that one that is not there
# has none. (Of Kinesis, DynamoDB and others some types of resources have one that no table holds.)
_WHOLE: Final = ("backup", "ecr", "elasticfilesystem", "es", "events", "lambda", "secretsmanager")
_WHOLE_TOO: Final = ("sns", "sqs", "glue", "kms")
_ENDPOINT: Final = "vpc_endpoint"


def load(lake: Lake) -> World:
    """The world of a scan's accounts, all that its tables tell."""
    reading = _Reading(lake)
    reading.resources()
    return reading.world


def people(lake: Lake) -> People:
    """The users, roles and groups of a scan's accounts; of resources only the roles' trust policies."""
    return _Reading(lake).people


def load_accounts(lake: Lake) -> World:
    """The accounts of a scan with their organization's policies, and neither principals nor resources."""
    return _Reading(lake, accounts_only=True).world


class _Reading:
    def __init__(self, lake: Lake, *, accounts_only: bool = False) -> None:
        self.lake = lake
        self.world = World()
        self.people = People(self.world)
        self.offline: set[str] = set()
        self.documents: dict[tuple[str, str], str | None] = {}
        self._accounts()
        if accounts_only:
            return
        self._identities()
        if self.offline:
            self.world.assumptions.append(
                f"{len(self.offline)} AWS managed policies were not in the account's answer: their kept"
                " copies stand in"
            )

    def rows(self, table: str, *columns: str) -> list[Row]:
        """A table's stored columns; a column that nobody collected is None."""
        from partywall.tables.registry import table as find

        return self.lake.arrow(self.lake.source.stored(find(table), columns)).to_pylist()

    def open(self, table: str, account: str) -> bool:
        """Whether the listing of a table did not answer (anywhere) in an account."""
        return any(a == account for a, _ in self.lake.source.incomplete.get(table, ()))

    # Accounts and their organization.

    def _accounts(self) -> None:
        known = {
            r["account_id"]: r
            for r in self.rows("account", "account_id", "organization_id", "management_account_id")
        }
        members = {
            r["member_account_id"]: r
            for r in self.rows(
                "organizations_account",
                "account_id",
                "member_account_id",
                "ancestor_ids",
                "parent_type",
                "organization_path",
            )
        }
        roots = {
            r["account_id"]: r["root_id"] for r in self.rows("organizations_root", "account_id", "root_id")
        }
        types = self.rows("organizations_policy_type", "account_id", "policy_type", "status")
        policies = self.rows(
            "organizations_policy", "account_id", "name", "policy_type", "content", "target_ids"
        )
        for manifested in self.lake.manifest.accounts:
            id_ = manifested["account_id"]
            row = known.get(id_, {})
            member = members.get(id_)
            organization, manager = row.get("organization_id"), row.get("management_account_id")
            account = Account(id_, organization=organization, management=manager == id_)
            account.organization_path = _path(organization, member, roots)
            account.principals_known = not self.open("iam_user", id_) and not self.open("iam_role", id_)
            if organization == "" or account.management:
                pass
            elif not organization or not manager or member is None:
                account.unread = _BOTH
            else:
                self._levels(account, member, types, policies)
            self.world.accounts[id_] = account
            root = f"arn:{manifested.get('partition') or 'aws'}:iam::{id_}:root"
            self.world.identities[root] = Identity(self._principal(root, account))

    def _levels(self, account: Account, member: Row, types: list[Row], policies: list[Row]) -> None:
        manager = member["account_id"]
        if self.open("organizations_policy_type", manager) or self.open("organizations_policy", manager):
            account.unread = _BOTH
            return
        unread: set[Layer] = set()
        for kind, layer in _KINDS.items():
            enabled = [t for t in types if t["account_id"] == manager and t["policy_type"] in (kind, None)]
            if not enabled or all(t["status"] == "PENDING_ENABLE" for t in enabled):
                continue
            own = [p for p in policies if p["account_id"] == manager and p["policy_type"] in (kind, None)]
            if any(p["policy_type"] is None or p["target_ids"] is None or p["content"] is None for p in own):
                unread.add(layer)
            attached: dict[str, list[Policy]] = {}
            for policy in own:
                content: str | None = policy["content"]
                if content is None:
                    continue
                parsed = self.world.policy(content, f"{kind} {policy['name']}")
                for target in policy["target_ids"] or ():
                    attached.setdefault(target, []).append(parsed)
            full = self.world.policy(_RCP_FULL, "RCPFullAWSAccess")
            always = [full] if layer is Layer.RCP else []
            sure: list[str] = member["ancestor_ids"] or [
                *(t for t in attached if t.startswith("r-")),
                account.id,
            ]
            levels = [self.world.policy_set([*attached.get(t, ()), *always]) for t in sure]
            if member["ancestor_ids"] is None and member["parent_type"] != "ROOT":
                units = [p for t, p in attached.items() if t.startswith("ou-")]
                if any(not _allows_all([*u, *always]) for u in units):
                    unread.add(layer)
                rest = self.world.policy(_RCP_FULL, "units whose accounts were not told")
                levels.append(self.world.policy_set([rest, *(_maybe(p) for u in units for p in u)]))
            if layer is Layer.SCP:
                account.scps = tuple(levels)
            else:
                account.rcps = tuple(levels)
        account.unread = frozenset(unread)

    def _principal(self, arn: str, account: Account, **more: object) -> Any:
        return principal(
            arn,
            organization=account.organization,
            organization_path=account.organization_path,
            management=account.management,
            **more,
        )

    # Principals.

    def _identities(self) -> None:
        for table in ("iam_policy", "iam_aws_managed_policy"):
            for row in self.rows(table, "account_id", "arn", "document"):
                self.documents[row["account_id"], row["arn"]] = row["document"]
        for row in self.rows("iam_policy", "arn", "other_versions"):
            others = row["other_versions"]
            self.people.versions[row["arn"]] = (
                None
                if others is None or any(o["document"] is None for o in others)
                else [
                    self.world.policy(o["document"], f"{row['arn']} {o['version_id']}", principal=False)
                    for o in others
                ]
            )
        inline = ("inline_policies", "inline_policy", "inline_policy_names")
        columns = ("account_id", "arn", "name", "attached_policies", *inline)
        groups = {(r["account_id"], r["name"]): r for r in self.rows("iam_group", *columns)}
        for name, row in groups.items():
            missing: set[Layer] = set()
            policies = self.world.policy_set(self._of(row, f"group {name[1]}: ", missing))
            self.people.groups.append(Grouping(row["arn"], policies, bool(missing)))
        own = (("user", "user_id", "group_names", "password_enabled"), ("role", "role_id", "trust_policy"))
        for kind, id_, *more in own:
            wanted = (*columns, id_, "tags", "permissions_boundary", *more)
            for row in self.rows(f"iam_{kind}", *wanted):
                unread: set[Layer] = set()
                policies = self._of(row, "", unread)
                managed = customer_managed(row["attached_policies"] or ())
                joined: list[str] = []
                names = row.get("group_names") or ()
                if kind == "user" and row["group_names"] is None:
                    unread.add(Layer.IDENTITY)
                for name in names:
                    group = groups.get((row["account_id"], name))
                    if group is None:
                        unread.add(Layer.IDENTITY)
                    else:
                        policies += self._of(group, f"group {name}: ", unread)
                        managed += customer_managed(group["attached_policies"] or ())
                        joined.append(group["arn"])
                boundary = None
                bound = row["permissions_boundary"]
                if bound is None:
                    unread.add(Layer.BOUNDARY)
                elif bound:
                    found = self._managed(row["account_id"], bound)
                    if found is None:
                        unread.add(Layer.BOUNDARY)
                    else:
                        boundary = self.world.policy_set((found,))
                who = self._principal(
                    row["arn"],
                    self.world.account(row["account_id"]),
                    unique_id=row[id_] or "",
                    tags=_tags(row["tags"]),
                )
                identity = self.world.identities[row["arn"]] = Identity(
                    who, self.world.policy_set(policies), boundary, tuple(names), frozenset(unread)
                )
                self.people.persons.append(
                    Person(
                        identity,
                        self._trust(row),
                        tuple(dict.fromkeys(managed)),
                        tuple(joined),
                        row.get("password_enabled"),
                    )
                )

    def _trust(self, row: Row) -> PolicySet | None:
        document: str | None = row.get("trust_policy")
        if document is None:
            return None
        parsed = [self.world.policy(document, f"trust of {row['arn']}", principal=True)] if document else []
        return self.world.policy_set(parsed)

    def _of(self, row: Row, prefix: str, unread: set[Layer]) -> list[Policy]:
        found: list[Policy] = []
        unread_inline = row["inline_policy"] is None and row["inline_policies"] is None
        if unread_inline or row["attached_policies"] is None:
            unread.add(Layer.IDENTITY)
        if row["inline_policies"] is not None:
            # Each by itself: what one's Version says of variables does not hold of another.
            found += [
                self.world.policy(p["document"], f"{prefix}inline {p['name']}", principal=False)
                for p in row["inline_policies"]
            ]
        elif row["inline_policy"]:
            name = f"{prefix}inline {', '.join(row['inline_policy_names'] or ()) or 'policies'}"
            found.append(self.world.policy(row["inline_policy"], name, principal=False))
        for attached in row["attached_policies"] or ():
            policy = self._managed(row["account_id"], attached["arn"])
            if policy is None:
                unread.add(Layer.IDENTITY)
            else:
                found.append(policy)
        return found

    def _managed(self, account: str, arn: str) -> Policy | None:
        document = self.documents.get((account, arn))
        if document is None and (kept := managed_policy(arn)) is not None:
            self.offline.add(arn)
            document = kept.document
        return None if document is None else self.world.policy(document, arn, principal=False)

    # Resources.

    def resources(self) -> None:
        """Reads the resources that hold policies."""
        from partywall.tables.registry import all_tables

        for name, table in all_tables().items():
            columns = [
                c.name for c in table.columns if getattr(c.type, "kind", "") in ("resource", "key", "trust")
            ]
            if not columns or name == "organizations_organization":
                continue
            extra: tuple[str, ...] = ()
            if name == "s3_bucket":
                extra = (
                    "acl_grants",
                    "acl_owner",
                    "object_ownership",
                    "public_access_block",
                    "policy_is_public",
                )
            elif name == "kms_key":
                extra = ("grants", "alias_names")
            elif name == _ENDPOINT:
                extra = ("vpc_endpoint_id",)
            rows = self.rows(name, "account_id", "region", "arn", "tags", *columns, *extra)
            blocks = self._account_blocks() if name == "s3_bucket" else {}
            for row in rows:
                self._held(name, row, columns, blocks)
            service = _WIDE.get(name) or (rows[0]["arn"].split(":")[2] if rows else _service(name))
            if service in _WHOLE or service in _WHOLE_TOO:
                places = self.world.incomplete.setdefault(service, set())
                places |= self.lake.source.incomplete.get(name, set())

    def _account_blocks(self) -> dict[str, Row]:
        rows = self.rows(
            "s3_account_public_access_block", "account_id", "restrict_public_buckets", "ignore_public_acls"
        )
        return {r["account_id"]: r for r in rows}

    def _held(self, table: str, row: Row, columns: Iterable[str], blocks: Mapping[str, Row]) -> None:
        arn, account = row["arn"], row["account_id"]
        if arn is None:
            return
        documents = [row[c] for c in columns]
        label = f"trust of {arn}" if table == "iam_role" else f"policy of {arn}"
        policies = [self.world.policy(d, label, principal=True) for d in documents if d]
        held = Held(arn, account, unread=None in documents, tags=_tags(row["tags"]))
        if table == "s3_bucket":
            block = blocks.get(account, {})
            acl, unread = acl_policy(row, block)
            policies += acl
            held.unread |= unread
            held.public_blocked = public_blocked(row, block)
        elif table == "kms_key":
            held.unread |= row["grants"] is None
            policies += grant_policies(self.world, row)
            for alias in row["alias_names"] or ():
                self.world.aliases[f"{arn.rpartition(':')[0]}:{alias}"] = arn
        held.policies = self.world.policy_set(policies) if policies else None
        if table == _ENDPOINT:
            self.world.endpoints[row["vpc_endpoint_id"]] = held
        elif table in _WIDE:
            self._wide((_WIDE[table], account, row["region"]), held)
        else:
            self.world.resources[arn] = held

    def _wide(self, key: tuple[str, str, str], held: Held) -> None:
        before = self.world.wide.get(key)
        if before is not None:
            both = [p for h in (before, held) if h.policies for p in h.policies.policies]
            held.policies = self.world.policy_set(both) if both else None
            held.unread |= before.unread
        self.world.wide[key] = held


def grant_policies(world: World, row: Row) -> list[Policy]:
    """Grants as the Allow statements that they come to (AWS KMS Developer Guide, Grants in AWS KMS)."""
    import orjson

    found: list[Policy] = []
    for grant in row["grants"] or ():
        who: dict[str, str] = {}
        if grant["grantee_service"]:
            who["Service"] = grant["grantee_service"]
        if grant["grantee_principal"]:
            service = grant["grantee_principal"].endswith(".amazonaws.com")
            who["Service" if service else "AWS"] = grant["grantee_principal"]
        if not who or not grant["operations"]:
            continue
        statement: Row = {
            "Effect": "Allow",
            "Principal": who,
            "Action": [f"kms:{o}" for o in grant["operations"]],
            "Resource": "*",
        }
        if grant["constrained"] is not False:
            # The constraint is on the encryption context, whose pairs the scan does not keep.
            statement["Condition"] = {"Null": {"kms:EncryptionContextKeys": "false"}}
        document = orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()
        found.append(world.policy(document, f"grant {grant['id']} of {row['arn']}", principal=True))
    return found


def _path(organization: str | None, member: Row | None, roots: Mapping[str, str]) -> str | None:
    """An account's path in its organization, as `aws:PrincipalOrgPaths` has it; "" in none, None not told."""
    if organization == "":
        return ""
    if member is None or not organization:
        return None
    if member["organization_path"] is None and member["parent_type"] == "ROOT":
        root = roots.get(member["account_id"])
        return f"{organization}/{root}/" if root else None
    return member["organization_path"]


def _allows_all(policies: Iterable[Policy]) -> bool:
    """Whether some statement allows everything, come what may."""
    return any(
        s.allow
        and not s.broken
        and not s.conditions
        and s.actions == ("*",)
        and s.resources == ("*",)
        and not (s.not_action or s.not_resource)
        for p in policies
        for s in p.statements
    )


@lru_cache(maxsize=1024)
def _maybe(policy: Policy) -> Policy:
    """A unit's denials where it is not known whether the account is in the unit: each stays open."""
    why = "the account may be in the unit to which this is attached, its path was not told"
    denials = tuple(
        replace(s, broken=s.broken or why, key=-1 - s.key) for s in policy.statements if not s.allow
    )
    return Policy(policy.name, denials, policy.problems)


def _service(table: str) -> str:
    from partywall.tables.registry import table as find

    parts = find(table).arn.split(":")
    given = parts[2] if len(parts) > 2 else find(table).service
    return {"opensearch": "es", "efs": "elasticfilesystem"}.get(given, given)


def _tags(raw: Any) -> dict[str, str] | None:
    """A map column as Arrow gives it, pairs or a dict."""
    return None if raw is None else dict(raw)
