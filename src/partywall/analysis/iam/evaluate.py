"""The decision on one request, as AWS's enforcement code makes it, in three values.

IAM User Guide: Policy evaluation logic; Policy evaluation for requests within a single account;
Cross-account policy evaluation logic; How AWS enforcement code logic evaluates requests. AWS KMS Developer
Guide: Key policies. AWS Organizations User Guide: SCP evaluation; Resource control policies.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.operators import Condition, holds
from partywall.analysis.iam.principal import Form, Kind, Principal
from partywall.analysis.iam.request import Request
from partywall.analysis.iam.request import Resource as Resource
from partywall.analysis.iam.rules import PolicySet, Rule

# AWS Organizations User Guide, Resource control policies: the services whose resources they bound.
RCP_SERVICES: Final = frozenset(
    (
        "s3",
        "sts",
        "kms",
        "sqs",
        "secretsmanager",
        "ecr",
        "aoss",
        "dynamodb",
        "cognito-identity",
        "cognito-idp",
        "logs",
    )
)
# AWS STS API Reference: these need no permission, and a policy cannot withhold them.
ALWAYS_ALLOWED: Final = frozenset(("sts:getcalleridentity", "sts:getsessiontoken"))
_TRUST_ACTIONS: Final = frozenset(
    (
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
    )
)
# Amazon S3 API Reference, PutBucketPolicy: the bucket policy cannot keep the owner's root user from these.
_BUCKET_POLICY_ACTIONS: Final = frozenset(
    ("s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy")
)
# AWS KMS Developer Guide, Resource control policies: RCPs have no effect on this one.
_BEYOND_RCPS: Final = "kms:retiregrant"
SPECIAL_ACTIONS: Final = (ALWAYS_ALLOWED, _TRUST_ACTIONS, _BUCKET_POLICY_ACTIONS, frozenset((_BEYOND_RCPS,)))
"""Actions (in lower case) that a rule of their own sets apart from the others of their service."""
_FEDERATED: Final = (Kind.WEB_IDENTITY, Kind.SAML)
_UNSIGNED: Final = (Kind.SERVICE, Kind.ANONYMOUS, Kind.CANONICAL, *_FEDERATED)

Tri = bool | None


class Outcome(enum.StrEnum):
    """What is decided, whatever the open conditions turn out to be; `DEPENDS` where they decide."""

    ALLOWED = "allowed"
    IMPLICITLY_DENIED = "implicitly denied"
    EXPLICITLY_DENIED = "explicitly denied"
    DEPENDS = "depends"


class Layer(enum.StrEnum):
    """The kinds of policies, named as in "Policy evaluation logic"."""

    RCP = "resource control policies"
    SCP = "service control policies"
    RESOURCE = "resource-based policy"
    IDENTITY = "identity-based policies"
    BOUNDARY = "permissions boundary"
    SESSION = "session policies"
    ENDPOINT = "VPC endpoint policy"
    PUBLIC_BLOCK = "Block Public Access"


_WITHOUT_PRINCIPALS: Final = frozenset((Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION))


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that bear on a request. None: there is none of that kind, which is not "unread".

    `scps` and `rcps`: one set for each level from the root to the account, each of which must allow.
    """

    identity: PolicySet | None = None
    resource: PolicySet | None = None
    boundary: PolicySet | None = None
    session: PolicySet | None = None
    scps: Sequence[PolicySet] = ()
    rcps: Sequence[PolicySet] = ()
    endpoint: PolicySet | None = None
    public_blocked: Tri = False
    """Block Public Access (RestrictPublicBuckets) keeps others than the owner's account out."""
    unread: frozenset[Layer] = frozenset()
    """Layers that were not answered: they may allow, and they may deny."""


class Residual(NamedTuple):
    """A statement that would apply if its open conditions held (none: its resource is open, or it is
    unreadable)."""

    layer: Layer
    statement: Statement | None
    conditions: tuple[Condition, ...]
    note: str = ""


class Step(NamedTuple):
    """How one layer stands: `result` None where open conditions decide; the statements that made it so.

    Of an explicit denial only the layers that deny are told, each with the statements that do.
    """

    layer: Layer
    result: Tri
    statements: tuple[Statement, ...]


class Decision(NamedTuple):
    """The outcome, the statements that decide, the layers in their order, and what is left open."""

    outcome: Outcome
    deciding: tuple[Statement, ...]
    steps: tuple[Step, ...]
    residual: tuple[Residual, ...]

    @property
    def may(self) -> bool:
        """Allowed in some context that the request does not rule out."""
        return self.outcome in (Outcome.ALLOWED, Outcome.DEPENDS)

    @property
    def must(self) -> bool:
        """Allowed in every context that the request does not rule out."""
        return self.outcome is Outcome.ALLOWED


def both(a: Tri, b: Tri) -> Tri:
    """Kleene AND."""
    return False if a is False or b is False else None if a is None or b is None else True


def either(a: Tri, b: Tri) -> Tri:
    """Kleene OR."""
    return True if a or b else None if a is None or b is None else False


class _Evaluation:
    """The layers of one request as they are walked."""

    __slots__ = (
        "action",
        "context",
        "denies",
        "has_boundary",
        "open_allows",
        "open_denies",
        "policies",
        "request",
        "steps",
    )

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request = request
        self.policies = policies
        self.context = request.full_context
        self.action = request.action.lower()
        self.steps: list[Step] = []
        self.denies: list[Statement] = []
        self.open_denies: list[Residual] = []
        self.open_allows: list[Residual] = []
        self.has_boundary = policies.boundary is not None

    def applies(self, rule: Rule, layer: Layer) -> Tri:
        """Whether a statement whose action and principal match applies; an open one is noted."""
        if rule.always:
            return True
        covered = rule.covers(self.request.resource.arn, self.context)
        if covered is False:
            return False
        result = covered
        open_: list[Condition] = []
        for condition in rule.conditions:
            held = holds(condition, self.context)
            if held is False:
                return False
            if held is None:
                open_.append(condition)
                result = None
        statement = rule.statement
        if statement.broken:
            result = None
        if result is None:
            residual = Residual(layer, statement, tuple(open_), statement.broken)
            (self.open_allows if statement.allow else self.open_denies).append(residual)
        return result

    def deny(self, layer: Layer, policies: PolicySet | None) -> None:
        """Notes the Deny statements of a layer that apply."""
        unread = self.policies.unread
        if unread and layer in unread:
            self.open_denies.append(Residual(layer, None, (), f"the {layer} could not be read"))
        if policies is None:
            return
        first = len(self.denies)
        for rule in policies.rules(self.action)[0]:
            statement = rule.statement
            # NotPrincipal spares nobody who has a boundary (page "NotPrincipal").
            spares = statement.principal is not None and not (statement.not_principal and self.has_boundary)
            if spares and self.request.principal.form(statement) is Form.NONE:
                continue
            if self.applies(rule, layer):
                self.denies.append(statement)
        if len(self.denies) > first:
            self.steps.append(Step(layer, False, tuple(self.denies[first:])))

    def allow(self, layer: Layer, policies: PolicySet | None) -> Tri:
        """Whether some Allow statement of a layer without principals applies."""
        found: Tri = False
        statements: list[Statement] = []
        if policies is not None:
            for rule in policies.rules(self.action)[1]:
                if rule.statement.principal is not None and layer in _WITHOUT_PRINCIPALS:
                    # Malformed: an identity-based policy names no principals (page "Principal").
                    continue
                applied = self.applies(rule, layer)
                if applied:
                    statements.append(rule.statement)
                    found = True
                elif applied is None and found is False:
                    found = None
        unread = self.policies.unread
        if unread and layer in unread and not found:
            self.open_allows.append(Residual(layer, None, (), f"the {layer} could not be read"))
            found = None
        self.steps.append(Step(layer, found, tuple(statements)))
        return found

    def by_endpoint(self, policies: PolicySet | None) -> Tri:
        """Whether the VPC endpoint's policy allows the principal, in whatever form it names them."""
        found: Tri = False
        statements: list[Statement] = []
        for rule in policies.rules(self.action)[1] if policies is not None else ():
            if self.request.principal.form(rule.statement) is Form.NONE:
                continue
            applied = self.applies(rule, Layer.ENDPOINT)
            found = either(found, applied)
            if applied:
                statements.append(rule.statement)
        if Layer.ENDPOINT in self.policies.unread and not found:
            self.open_allows.append(
                Residual(Layer.ENDPOINT, None, (), f"the {Layer.ENDPOINT} could not be read")
            )
            found = None
        self.steps.append(Step(Layer.ENDPOINT, found, tuple(statements)))
        return found

    def deny_levels(self, layer: Layer, sets: Sequence[PolicySet]) -> None:
        """Notes the Deny statements of all levels of an organization's policies that apply."""
        for policies in sets or (None,):
            self.deny(layer, policies)

    def levels(self, layer: Layer, sets: Sequence[PolicySet]) -> Tri:
        """Whether each level of an organization's policies has an Allow that applies."""
        result: Tri = True
        for policies in sets:
            result = both(result, self.allow(layer, policies))
        if not sets and layer in self.policies.unread:
            result = self.allow(layer, None)
        return result

    def by_form(self, policies: PolicySet | None) -> dict[Form, Tri]:
        """How closely the resource-based policy names the principal, and whether those statements apply."""
        found: dict[Form, Tri] = {}
        statements: list[Statement] = []
        if policies is not None:
            for rule in policies.rules(self.action)[1]:
                if rule.statement.principal is None:
                    # Malformed: a resource-based policy says whom it allows ("Principal").
                    continue
                form = self.request.principal.form(rule.statement)
                if form is Form.NONE:
                    continue
                applied = self.applies(rule, Layer.RESOURCE)
                found[form] = either(found.get(form, False), applied)
                if applied:
                    statements.append(rule.statement)
        if Layer.RESOURCE in self.policies.unread:
            found[Form.DIRECT] = either(found.get(Form.DIRECT, False), None)
            self.open_allows.append(
                Residual(Layer.RESOURCE, None, (), f"the {Layer.RESOURCE} could not be read")
            )
        total: Tri = False
        for value in found.values():
            total = either(total, value)
        self.steps.append(Step(Layer.RESOURCE, total, tuple(statements)))
        return found


def decide(request: Request, policies: Policies) -> Decision:
    """The decision on a request by all policies that bear on it."""
    principal = request.principal
    run = _Evaluation(request, policies)
    if run.action in ALWAYS_ALLOWED and principal.kind not in _UNSIGNED:
        return Decision(Outcome.ALLOWED, (), (), ())
    within_scps = not _beyond_scps(principal)
    within_rcps = _within_rcps(request, run.action)
    if within_rcps:
        run.deny_levels(Layer.RCP, policies.rcps)
    if within_scps:
        run.deny_levels(Layer.SCP, policies.scps)
    if not _owner_of_bucket_policy(request, run.action):
        run.deny(Layer.RESOURCE, policies.resource)
    run.deny(Layer.IDENTITY, policies.identity)
    run.deny(Layer.BOUNDARY, policies.boundary)
    run.deny(Layer.SESSION, policies.session)
    run.deny(Layer.ENDPOINT, policies.endpoint)
    if run.denies:
        return Decision(Outcome.EXPLICITLY_DENIED, tuple(run.denies), tuple(run.steps), ())
    allowed: Tri = True
    if within_rcps:
        allowed = run.levels(Layer.RCP, policies.rcps)
    if within_scps:
        allowed = both(allowed, run.levels(Layer.SCP, policies.scps))
    allowed = both(allowed, _core(run))
    if policies.endpoint is not None or Layer.ENDPOINT in policies.unread:
        allowed = both(allowed, run.by_endpoint(policies.endpoint))
    if policies.public_blocked is not False and not _of_owner(request):
        blocked = policies.public_blocked
        run.steps.append(Step(Layer.PUBLIC_BLOCK, None if blocked is None else False, ()))
        if blocked is None:
            note = f"whether {Layer.PUBLIC_BLOCK} keeps the request out is not known"
            run.open_allows.append(Residual(Layer.PUBLIC_BLOCK, None, (), note))
        allowed = both(allowed, None if blocked is None else False)
    steps = tuple(run.steps)
    if allowed is False:
        return Decision(Outcome.IMPLICITLY_DENIED, (), steps, ())
    deciding = tuple(s for step in steps for s in step.statements)
    if allowed and not run.open_denies:
        return Decision(Outcome.ALLOWED, deciding, steps, ())
    open_allows = () if allowed else run.open_allows
    return Decision(Outcome.DEPENDS, deciding, steps, (*run.open_denies, *open_allows))


def _beyond_scps(principal: Principal) -> bool:
    """SCPs bound users and roles of member accounts, root included (page "Service control policies")."""
    return principal.management or principal.service_linked or principal.kind in _UNSIGNED


def _within_rcps(request: Request, action: str) -> bool:
    """RCPs bound resources of member accounts, of services that support them (page "Resource control
    policies")."""
    return not (
        request.resource.management
        or request.principal.service_linked
        or action.partition(":")[0] not in RCP_SERVICES
        or action == _BEYOND_RCPS
    )


def _owner_of_bucket_policy(request: Request, action: str) -> bool:
    return (
        action in _BUCKET_POLICY_ACTIONS
        and request.principal.kind is Kind.ROOT
        and request.principal.account == request.resource.account
    )


def _of_owner(request: Request) -> bool:
    principal = request.principal
    return principal.kind is Kind.SERVICE or (
        principal.kind not in _UNSIGNED and principal.account == request.resource.account
    )


def _core(run: _Evaluation) -> Tri:
    """Identity, resource, boundary and session policies together."""
    request, policies = run.request, run.policies
    principal = request.principal
    forms = run.by_form(policies.resource)
    direct: Tri = forms.get(Form.DIRECT, False)
    role: Tri = forms.get(Form.ROLE, False)
    account: Tri = forms.get(Form.ACCOUNT, False)
    if principal.kind in _UNSIGNED:
        # Nobody's account grants it: the resource alone decides.
        return either(direct, account)
    identity: Tri = True if principal.kind is Kind.ROOT else run.allow(Layer.IDENTITY, policies.identity)
    limits: Tri = True
    if policies.boundary is not None or Layer.BOUNDARY in policies.unread:
        limits = run.allow(Layer.BOUNDARY, policies.boundary)
    session: Tri = True
    if policies.session is not None or Layer.SESSION in policies.unread:
        session = run.allow(Layer.SESSION, policies.session)
    elif principal.kind is Kind.FEDERATED_USER:
        # A token without session policies carries no permission of its user (GetFederationToken).
        session = False
    limits = both(limits, session)
    granted = both(identity, limits)
    if not request.same_account:
        return both(granted, either(direct, either(role, account)))
    # The table of "Determining whether a request is allowed or denied within an account".
    by_resource = either(direct, both(role, limits))
    if _needs_resource_policy(request, run.action):
        if principal.kind is Kind.ROOT:
            account = either(account, direct)
        return either(by_resource, both(account, granted))
    return either(granted, by_resource)


def _needs_resource_policy(request: Request, action: str) -> bool:
    """KMS key policies and role trust policies must allow; elsewhere either side may (same page)."""
    arn = request.resource.arn
    if action in _TRUST_ACTIONS:
        return True
    return action.startswith("kms:") and ":kms:" in arn and ":key/" in arn
