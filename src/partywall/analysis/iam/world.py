"""The accounts that decisions are made over: principals, resources, and all policies that bear on them.

What could not be read is kept as unread, so that a decision which rests on it stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from partywall.analysis.iam.actions import asked
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Policy, parse
from partywall.analysis.iam.evaluate import RCP_SERVICES, Decision, Layer, Outcome, Policies, Tri, decide
from partywall.analysis.iam.principal import Kind, Principal, principal
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.rules import PolicySet
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.iam.reach import Reach

_UNSIGNED: Final = (Kind.SERVICE, Kind.ANONYMOUS, Kind.CANONICAL, Kind.WEB_IDENTITY, Kind.SAML)
_IDENTITY_UNREAD: Final = frozenset((Layer.IDENTITY, Layer.BOUNDARY))

# IAM User Guide, AWS services that work with IAM: these have resource-based policies (some in part). Of all
# others a resource that we do not know has none.
_NAMES: Final = """
    acm-pca apigateway backup bedrock cloudhsm cloudtrail codeartifact codebuild datazone dsql dynamodb
    ecr ecr-public elasticfilesystem elasticloadbalancing es events execute-api glacier glue iam
    imagebuilder kafka kinesis kms lambda lex logs mediastore network-firewall oam payment-cryptography
    profile rds redshift redshift-serverless refactor-spaces rekognition resource-explorer-2 s3
    s3-object-lambda s3-outposts s3express s3tables s3vectors sagemaker schemas secretsmanager
    serverlessrepo ses signer sns sqs ssm ssm-contacts ssm-incidents sts vpc-lattice
"""
RESOURCE_POLICY_SERVICES: Final = frozenset(_NAMES.split())


@dataclass(slots=True)
class Account:
    """An account: its organization ("" none, None not known) and the policies from the root down to it."""

    id: str
    organization: str | None = None
    organization_path: str | None = None
    management: bool = False
    scps: tuple[PolicySet, ...] = ()
    rcps: tuple[PolicySet, ...] = ()
    unread: frozenset[Layer] = frozenset()
    """SCP and RCP, where they were not read."""
    principals_known: bool = True
    """The listing of its users and roles answered."""


@dataclass(slots=True)
class Identity:
    """A user, a role or an account's root with the policies attached, those of groups included."""

    principal: Principal
    policies: PolicySet | None = None
    boundary: PolicySet | None = None
    groups: tuple[str, ...] = ()
    unread: frozenset[Layer] = frozenset()


@dataclass(slots=True)
class Held:
    """A resource with its own policies. `tags` None where they are not known."""

    arn: str
    account: str
    policies: PolicySet | None = None
    unread: bool = False
    public_blocked: Tri = False
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a call is allowed: the outcome over all resources it is authorized on, and each decision."""

    outcome: Outcome
    parts: tuple[tuple[Request, Policies, Decision], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grantee:
    """One who may (or, with open conditions, might) do what was asked."""

    principal: Principal
    answer: Answer
    outsider: bool = False
    """Of no account of this world."""


class World:
    """Accounts, principals and resources. Filled by `gaad.load` or `scan_world.load`."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.identities: dict[str, Identity] = {}
        """By ARN."""
        self.resources: dict[str, Held] = {}
        """By ARN; those that hold or could hold a policy."""
        self.endpoints: dict[str, Held] = {}
        """VPC endpoints by id."""
        self.aliases: dict[str, str] = {}
        """ARN of a KMS alias -> ARN of its key."""
        self.wide: dict[tuple[str, str, str], Held] = {}
        """(service, account, Region) -> a policy on all of the service's resources there."""
        self.incomplete: dict[str, set[tuple[str, str]]] = {}
        """Service whose holders of policies are listed -> the (account, Region or "*") where they were not.
        Elsewhere a resource that is not known has no policy."""
        self.assumptions: list[str] = []
        """What is taken to be so without having been read; whoever shows a decision shows these."""
        self.assume_no_resource_policy = False
        self._documents: dict[tuple[str, str, bool | None], Policy] = {}
        self._sets: dict[tuple[int, ...], PolicySet] = {}

    # Filling.

    def policy(self, document: str, name: str, *, principal: bool | None = None) -> Policy:
        """A document parsed once for each distinct text and name."""
        key = (document, name, principal)
        found = self._documents.get(key)
        if found is None:
            found = self._documents[key] = parse(document, name, principal=principal)
        return found

    def policy_set(self, policies: Iterable[Policy]) -> PolicySet:
        """One set for the same policies, so that principals of a class share its look-ups."""
        listed = tuple(policies)
        key = tuple(sorted({id(p) for p in listed}))
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = PolicySet(listed)
        return found

    # Looking up.

    def account(self, id_: str) -> Account:
        """An account by id; of a foreign one nothing is known."""
        found = self.accounts.get(id_)
        if found is None:
            unread = frozenset((Layer.SCP, Layer.RCP))
            return Account(id_, unread=unread, principals_known=False)
        return found

    def principal(self, text: str) -> Principal:
        """The principal that a text names: as in `principal.principal`, or short (`user/bob`, `bob`).

        Raises UserError where the text names none, or several.
        """
        if text.startswith("arn:") or text in ("*", "anonymous") or text.endswith((".com", ".cn")):
            return self._known(principal(text))
        if text.isdigit() and len(text) == 12:
            return self._known(principal(text))
        account, _, rest = text.rpartition(":")
        tail = rest if rest.startswith(("user/", "role/")) else f"/{rest}"
        found = [
            i.principal
            for arn, i in self.identities.items()
            if (arn.endswith(f":{tail}") or (arn.endswith(tail) and tail.startswith("/")))
            or ("/" in rest and arn.partition(":")[2].split(":")[-1] == rest)
        ]
        if rest.startswith(("user/", "role/")) and not found:
            kind, _, name = rest.partition("/")
            found = [
                i.principal
                for arn, i in self.identities.items()
                if f":{kind}/" in arn and arn.rpartition("/")[2] == name
            ]
        if account:
            found = [p for p in found if p.account == account]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(sorted(p.arn for p in found)[:5])
            raise UserError(f"{text!r} names {len(found)} principals, give an ARN: {several}")
        import difflib

        names = {arn.rpartition(":")[2]: arn for arn in self.identities}
        near = difflib.get_close_matches(rest, [*names, *(n.rpartition("/")[2] for n in names)], 3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UserError(f"no user or role is called {text!r} in {self._named()}{hint}")

    def _named(self) -> str:
        return ", ".join(sorted(self.accounts)) or "no account"

    def _known(self, given: Principal) -> Principal:
        """A principal with what this world knows of them."""
        identity = self.identity(given)
        if identity is None or given.kind in _UNSIGNED:
            account = self.accounts.get(given.account)
            if account is None or given.kind in _UNSIGNED:
                return given
            if account.principals_known and given.kind in (Kind.USER, Kind.ROLE):
                raise UserError(f"there is no {given.kind} {given.arn} in what was read of {given.account}")
            return replace(
                given,
                organization=account.organization,
                organization_path=account.organization_path,
                management=account.management,
            )
        known = identity.principal
        if given.kind is known.kind:
            return known
        return replace(
            given,
            unique_id=known.unique_id,
            role_arn=known.arn if known.kind is Kind.ROLE else "",
            # A session may bring tags of its own.
            tags=given.tags,
            organization=known.organization,
            organization_path=known.organization_path,
            management=known.management,
            service_linked=known.service_linked,
        )

    def identity(self, given: Principal) -> Identity | None:
        """The user, role or root whose policies a principal goes by; None where it is not of this world."""
        if given.kind is Kind.ROLE_SESSION:
            found = self.identities.get(given.role_arn)
            if found is None:
                # A session's ARN leaves the role's path out.
                head, _, name = given.role_arn.rpartition("/")
                head = head.partition(":role")[0] + ":role/"
                for arn, identity in self.identities.items():
                    if arn.startswith(head) and arn.rpartition("/")[2] == name:
                        return identity
            return found
        if given.kind is Kind.FEDERATED_USER:
            return self.identities.get(given.user_arn)
        return self.identities.get(given.arn)

    def held(self, arn: str) -> Held | None:
        """The resource whose policy bears on an ARN: itself, or what it is a part of (an object's bucket)."""
        arn = self.aliases.get(arn, arn)
        found = self.resources.get(arn)
        if found is not None or not arn.startswith("arn:"):
            return found
        service = arn.split(":", 3)[2]
        if service in _PARTS:
            rest = arn
            while "/" in rest:
                rest = rest.rpartition("/")[0]
                if (found := self.resources.get(rest)) is not None:
                    return found
        if service == "execute-api":
            parts = arn.split(":", 5)
            api = parts[5].split("/")[0]
            return self.resources.get(f"{parts[0]}:{parts[1]}:apigateway:{parts[3]}::/restapis/{api}")
        if service == "sns" and arn.count(":") == 6:
            return self.resources.get(arn.rpartition(":")[0])
        parts = arn.split(":", 5)
        return self.wide.get((service, parts[4], parts[3])) if len(parts) == 6 else None

    def resource(self, arn: str, caller: str = "") -> Resource:
        """A resource with what is known of its account and tags. One without an account in its ARN that no
        scan knows has none; "*" is the caller's own."""
        held = self.held(arn)
        account_id = held.account if held is not None else ""
        if not account_id and arn.startswith("arn:"):
            parts = arn.split(":", 5)
            account_id = parts[4] if len(parts) == 6 and parts[4].isdigit() else ""
        if arn == "*":
            account_id = caller
        account = self.accounts.get(account_id)
        exact = held is not None and held.arn == self.aliases.get(arn, arn)
        identity = self.identities.get(arn)
        tags = held.tags if held is not None and exact else identity.principal.tags if identity else None
        return Resource(
            self.aliases.get(arn, arn),
            account_id,
            tags,
            account.organization if account else None,
            account.management if account else False,
        )

    # Deciding.

    def policies(self, request: Request) -> Policies:
        """All policies that bear on a request, and the layers of them that were not read."""
        who, resource = request.principal, request.resource
        service = request.action.lower().partition(":")[0]
        unread: set[Layer] = set()
        identity = self.identity(who)
        mine = self.account(who.account)
        if who.kind not in _UNSIGNED:
            if identity is not None:
                unread |= identity.unread
            elif who.kind is not Kind.ROOT:
                unread |= _IDENTITY_UNREAD
            if not (who.management or who.service_linked):
                unread |= mine.unread & {Layer.SCP}
        owner = self.account(resource.account) if resource.account else Account("", unread=frozenset())
        within = service in RCP_SERVICES and not resource.management and not who.service_linked
        if within and resource.arn != "*":
            unread |= owner.unread & {Layer.RCP}
        held = self.held(resource.arn)
        blocked: Tri = False
        policies = None
        if held is not None:
            policies, blocked = held.policies, held.public_blocked
            if held.unread:
                unread.add(Layer.RESOURCE)
        elif self._may_hold(request):
            unread.add(Layer.RESOURCE)
        endpoint, layer = self._endpoint(request)
        unread |= layer
        return Policies(
            identity=identity.policies if identity else None,
            resource=policies,
            boundary=identity.boundary if identity else None,
            scps=mine.scps,
            rcps=owner.rcps if within else (),
            endpoint=endpoint,
            public_blocked=blocked,
            unread=frozenset(unread),
        )

    def _may_hold(self, request: Request) -> bool:
        """Whether a resource that this world does not know may have a policy that bears on the request."""
        arn = request.resource.arn
        if not arn.startswith("arn:"):
            return False
        service = arn.split(":", 3)[2]
        if service not in RESOURCE_POLICY_SERVICES:
            return False
        if service == "iam":
            # Of IAM's resources only roles have one, their trust policy.
            return ":role/" in arn and request.action.lower().startswith("sts:")
        if service == "lambda" and arn.count(":") > 6:
            # A version or an alias has a policy of its own, which no table holds.
            return not self.assume_no_resource_policy
        if ":alias/" in arn and service == "kms":
            # Which key it stands for was not read.
            return True
        open_places, account = self.incomplete.get(service), request.resource.account
        if open_places is not None and account in self.accounts:
            region = arn.split(":", 5)[3]
            return bool(open_places & {(account, "*"), (account, region)})
        own = not request.resource.account or request.resource.account == request.principal.account
        return not (self.assume_no_resource_policy and own and service != "kms")

    def _endpoint(self, request: Request) -> tuple[PolicySet | None, frozenset[Layer]]:
        """The policy of the VPC endpoint that the context names."""
        named = request.context.get("aws:sourcevpce")
        if not isinstance(named, tuple) or not named:
            return None, frozenset()
        held = self.endpoints.get(named[0])
        if held is None or held.unread:
            return None, frozenset((Layer.ENDPOINT,))
        return held.policies, frozenset()

    def decide(self, request: Request) -> tuple[Policies, Decision]:
        """The decision on one request, and the policies that it was made over."""
        policies = self.policies(request)
        return policies, decide(request, policies)

    def can(
        self,
        who: Principal | str,
        action: str,
        resources: Sequence[str] | str = (),
        context: Context | None = None,
    ) -> Answer:
        """Whether a principal may call an action on resources (ARNs), each of which is authorized."""
        if isinstance(who, str):
            who = self.principal(who)
        call = asked(action, (resources,) if isinstance(resources, str) else resources)
        given = context or Context()
        parts: list[tuple[Request, Policies, Decision]] = []
        for arn in call.resources:
            request = Request(who, call.action, self.resource(arn, who.account), given)
            parts.append((request, *self.decide(request)))
        return Answer(_together([d.outcome for _, _, d in parts]), tuple(parts), call.notes)

    def who_can(
        self, action: str, resources: Sequence[str] | str, context: Context | None = None
    ) -> list[Grantee]:
        """Everyone who may do an action: users, roles and roots of this world, then outsiders whom the
        resource's policy names, anonymous callers among them. Open conditions count as may."""
        found: list[Grantee] = []
        for identity in self.identities.values():
            answer = self.can(identity.principal, action, resources, context)
            if answer.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
                found.append(Grantee(identity.principal, answer))
        listed = (resources,) if isinstance(resources, str) else resources
        for outsider in self._outsiders(listed):
            answer = self.can(outsider, action, resources, context)
            if answer.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
                found.append(Grantee(outsider, answer, outsider=True))
        return found

    def what_can(self, who: Principal | str) -> list[Reach]:
        """What a principal may do, by action and pattern of resources (module `reach`)."""
        from partywall.analysis.iam.reach import reach

        return reach(self, self.principal(who) if isinstance(who, str) else who)

    def _outsiders(self, resources: Sequence[str]) -> Iterator[Principal]:
        """The principals outside this world whom the policies of resources name."""
        seen: set[str] = set()
        for arn in resources:
            held = self.held(arn)
            for policy in held.policies.policies if held and held.policies else ():
                for statement in policy.statements:
                    element = statement.principal
                    if not statement.allow or element is None:
                        continue
                    texts = [text for _, text in element.named]
                    for text in [*texts, "*"] if element.everyone or statement.not_principal else texts:
                        if text in seen:
                            continue
                        seen.add(text)
                        try:
                            who = principal(text)
                        except UserError:
                            # A unique id of one who is gone, or a canonical user: no caller to ask about.
                            continue
                        if who.account not in self.accounts:
                            yield who


# Resources whose policy is that of a resource above them in the ARN.
_PARTS: Final = frozenset(("s3", "s3express", "es", "dynamodb", "lambda", "backup", "kafka", "glacier"))


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """A call is allowed where it is on each resource; a denial is told before what is open."""
    for outcome in (Outcome.EXPLICITLY_DENIED, Outcome.IMPLICITLY_DENIED, Outcome.DEPENDS):
        if outcome in outcomes:
            return outcome
    return Outcome.ALLOWED
