"""The tables of escalation: `iam_principal_risk`, one row per principal, and `iam_escalation_path`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from partywall.analysis.iam import holdings, scan_world
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Statement, parse
from partywall.analysis.iam.escalation import Hop, Path
from partywall.analysis.iam.escalation_study import Growing, Standpoint, Study, describe, how, merged
from partywall.analysis.iam.evaluate import Layer, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.operators import holds
from partywall.analysis.iam.people import Person
from partywall.analysis.iam.principal import ANONYMOUS, Kind
from partywall.analysis.iam.scan_actors import (
    IDENTITIES,
    PASSWORDS,
    PRINCIPALS,
    RCPS,
    SCPS,
    VERSIONS,
    Reading,
    reading,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

Row = dict[str, Any]
_PEOPLE: Final = ("iam_user", "iam_role", "iam_group", "iam_policy", "iam_aws_managed_policy")
_ORGANIZATION: Final = (
    "account",
    "organizations_account",
    "organizations_policy_type",
    "organizations_policy",
)
_BLAMED: Final[Mapping[str, tuple[str, ...]]] = {
    IDENTITIES: _PEOPLE,
    PRINCIPALS: ("iam_user", "iam_role", "iam_group"),
    SCPS: _ORGANIZATION,
    RCPS: _ORGANIZATION,
    VERSIONS: ("iam_policy",),
    PASSWORDS: ("iam_user",),
    **{f"holders:{s.kind}": tuple(s.tables) for s in holdings.SOURCES},
}
"""Gap -> the tables whose calls did not answer."""
_OF_WAY: Final = ("certain", "hops", "target", "target_account", "path_text", "steps")
_COMPUTE: Final = ("pass-role", "take-over")
_studies: WeakKeyDictionary[Lake, Study] = WeakKeyDictionary()


def study(lake: Lake) -> Study:
    """The study of a scan, made once for each opened lake."""
    found = _studies.get(lake)
    if found is None:
        people = scan_world.people(lake)
        found = _studies[lake] = Study(reading(people, holdings.read(lake, people)), Masker())
    return found


def blamer(lake: Lake) -> Callable[[Iterable[str]], list[Row]]:
    """Tells the failed calls behind gaps of a scan's study, as elements of `_failed`."""
    return _Blame(lake, study(lake).reading).calls


def principal_risk(lake: Lake) -> pa.Table:
    """One row per user and role: is it an administrator, does it become one, who can become it."""
    made = study(lake)
    raw = {r["arn"]: r for kind in ("user", "role") for r in _raw(lake, kind)}
    public = _public_functions(lake)
    blame = _Blame(lake, made.reading)
    opens = _opens(made)
    rows: list[Row] = []
    for person in made.reading.people.persons:
        arn = person.identity.principal.arn
        same = together(made, arn, public) | {"opens_way_for": opens(arn)}
        open_ = any(v is None or (isinstance(v, list) and None in v) for v in same.values())
        row = _base(person, raw[arn]) | _own(person, raw[arn], made.least.masker) | same
        gaps = set(made.blame(arn)) if open_ else set[str]()
        held = row["held_by"]
        if held is None or (isinstance(held, list) and None in held):
            gaps |= {gap for gap in made.reading.gaps if gap.startswith("holders:")}
        row["_failed"] = [*_row_failures(raw[arn]), *blame.calls(gaps)]
        rows.append(row)
    return _table("iam_principal_risk", rows)


def escalation_paths(lake: Lake) -> pa.Table:
    """One row per principal that is no administrator and becomes one, or may."""
    made = study(lake)
    blame = _Blame(lake, made.reading)
    raw = {r["arn"]: r for kind in ("user", "role") for r in _raw(lake, kind)}
    rows: list[Row] = []
    for person in made.reading.people.persons:
        arn = person.identity.principal.arn
        if arn in made.least.admins or made.certainty(arn) == "none":
            continue
        ways = [_way(s, path) for s in (made.least, made.most) if (path := s.paths.get(arn)) is not None]
        # Where both extremes have no path, one between them may have.
        same = merged(*ways) if len(ways) == 2 and same_path(made, arn) else dict.fromkeys(_OF_WAY)
        open_ = any(value is None for value in same.values())
        failed = blame.calls(made.blame(arn)) if open_ else []
        rows.append(_base(person, raw[arn]) | same | {"_failed": failed})
    return _table("iam_escalation_path", rows)


def _table(name: str, rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    from partywall.tables.registry import table
    from partywall.tables.schema import arrow_schema

    return pa.Table.from_pylist(sorted(rows, key=lambda r: r["arn"]), schema=arrow_schema(table(name)))


# What the rows of users and roles say.

_COLUMNS: Final = {
    "user": (
        "permissions_boundary",
        "password_enabled",
        "password_used",
        "password_last_active",
        "mfa_active",
        "access_keys",
        "create_date",
    ),
    "role": ("permissions_boundary", "last_active", "used"),
}


def _raw(lake: Lake, kind: str) -> list[Row]:
    from partywall.tables.registry import table
    from partywall.tables.schema import FAILED

    found = table(f"iam_{kind}")
    columns = ("account_id", "region", "arn", "name", "tags", *_COLUMNS[kind])
    rows = lake.arrow(lake.source.select(found, (*columns, "_failed"))).to_pylist()
    names = [f.name for f in FAILED.fields]
    for row in rows:
        row["_failed"] = [{n: call.get(n) for n in names} for call in row["_failed"] or ()]
    return rows


def _row_failures(row: Row) -> list[Row]:
    return [{**call, "call": "rows"} for call in row["_failed"]]


def _base(person: Person, row: Row) -> Row:
    kind = "user" if person.identity.principal.kind is Kind.USER else "role"
    common = {name: row[name] for name in ("account_id", "region", "arn", "name", "tags")}
    return {**common, "kind": kind}


def _own(person: Person, row: Row, masker: Masker) -> Row:
    """What is known of a principal without regard to others."""
    identity = person.identity
    who = identity.principal
    mine = masker.layer(identity.policies)
    admin = None if Layer.IDENTITY in identity.unread else mine.allow_must == masker.universe.all
    bound = row["permissions_boundary"]
    found: Row = {
        "service_linked": who.service_linked,
        "policy_admin": admin and not mine.deny_may if admin is not None else None,
        "bounded": None if bound is None else bool(bound),
    }
    if who.kind is Kind.USER:
        found |= {
            "console_without_mfa": _and(row["password_enabled"], _not(row["mfa_active"])),
            "active_keys": None
            if row["access_keys"] is None
            else sum(bool(key["active"]) for key in row["access_keys"]),
            "trusts_account": False,
            "outsiders": [],
            **_user_use(row),
        }
    else:
        found |= {
            "console_without_mfa": False,
            "active_keys": 0,
            "trusts_account": None if person.trust is None else _trusts_account(person),
            "outsiders": None if person.trust is None else _outsiders(person),
            "last_active": row["last_active"],
            "used": row["used"],
        }
    return found


def _and(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def _not(a: bool | None) -> bool | None:
    return None if a is None else not a


def _user_use(row: Row) -> Row:
    """Whether and when a user was last used: by password or by a key; never used, when it was made."""
    keys, password = row["access_keys"], row["password_used"]
    if keys is None or row["password_last_active"] is None or row["create_date"] is None:
        return {"last_active": None, "used": None}
    times: list[datetime] = [row["create_date"], row["password_last_active"]]
    times += [key["last_active"] for key in keys if key["last_active"] is not None]
    return {"last_active": max(times), "used": bool(password) or any(key["used"] for key in keys)}


# Trust.


def _assuming(person: Person) -> Iterable[Statement]:
    """The statements of a role's trust policy by which somebody may assume it."""
    names = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
    for policy in person.trust.policies if person.trust is not None else ():
        for statement in policy.statements:
            if statement.allow and any(statement.action_matches(n) for n in names):
                yield statement


def _trusts_account(person: Person) -> bool:
    """Whether a role's trust takes in its whole own account, without a condition."""
    account = person.identity.principal.account
    for statement in _assuming(person):
        element = statement.principal
        if element is None or statement.conditions or statement.broken:
            continue
        if element.everyone or statement.not_principal:
            return True
        if any(kind == "AWS" and _account(text) == account and _whole(text) for kind, text in element.named):
            return True
    return False


def _account(text: str) -> str:
    return text if text.isdigit() else (text.split(":") + [""] * 5)[4]


def _whole(text: str) -> bool:
    return text.isdigit() or text.endswith(":root")


def _outsiders(person: Person) -> list[Row]:
    """Who besides its own account a role's trust policy names; `conditional`: some condition narrows it."""
    own = person.identity.principal.account
    found: dict[tuple[str, str], bool] = {}

    def note(kind: str, name: str, conditional: bool) -> None:
        found[kind, name] = found.get((kind, name), True) and conditional

    for statement in _assuming(person):
        element = statement.principal
        open_ = any(holds(c, Context()) is not True for c in statement.conditions)
        if element is None or any(holds(c, Context()) is False for c in statement.conditions):
            continue
        if element.everyone or statement.not_principal:
            note("anyone", "*", open_)
            continue
        for kind, text in element.named:
            if kind == "AWS" and _account(text) and _account(text) != own:
                note("account", _account(text), open_)
            elif kind == "Federated":
                note("federated", text, open_)
    return [{"kind": k, "name": n, "conditional": open_} for (k, n), open_ in sorted(found.items())]


# Escalation.


_OF_PATH: Final = ("hops", "path", "path_text", "crosses_accounts", "through_compute", "target")


def same_path(made: Study, arn: str) -> bool:
    """Whether both extremes have one and the same path; then it is what the truth has, too."""
    least, most = made.least.paths.get(arn), made.most.paths.get(arn)
    return _told(least) == _told(most)


def _told(path: Path | None) -> list[Row]:
    return [] if path is None else [_hop(hop) for hop in path.hops]


def together(made: Study, arn: str, public: Mapping[str, bool | None]) -> dict[str, object]:
    """What is known of a principal: what both extremes say, and of its path nothing where theirs differ."""
    views = [_view(s, arn, public, granted=s is not made.least) for s in (made.least, made.most)]
    found = merged(*views)
    return found if same_path(made, arn) else found | dict.fromkeys(_OF_PATH)


def _opens(made: Study) -> Callable[[str], int | None]:
    """Of how many others the shortest path leads through a principal. Not known of those who reach
    administrator rights, perhaps, in an account through which a path leads that is not known."""
    passing: dict[str, int] = {}
    for arn, path in made.least.paths.items():
        for other in {hop.target for hop in path.hops} - {arn, ""}:
            passing[other] = passing.get(other, 0) + 1
    touched: set[str] = set()
    for arn in {*made.least.paths, *made.most.paths}:
        if not same_path(made, arn):
            ways = (made.least.paths.get(arn), made.most.paths.get(arn))
            on_way = {arn, *(hop.target for way in ways if way is not None for hop in way.hops)} - {""}
            touched |= {who.split(":")[4] for who in on_way}

    def opens(arn: str) -> int | None:
        reaching = arn in made.most.paths or arn in made.most.admins
        return None if reaching and arn.split(":")[4] in touched else passing.get(arn, 0)

    return opens


def _view(at: Standpoint, arn: str, public: Mapping[str, bool | None], *, granted: bool) -> Row:
    """What one standpoint says of a principal."""
    path = at.paths.get(arn)
    hops = path.hops if path is not None else ()
    admin = arn in at.admins
    held = sorted(at.holders.get(arn, ()))
    return {
        "is_admin": admin,
        "may_be_admin": at.may_be_admin(arn),
        "reaches_admin": admin or (path is not None and path.certain),
        "may_reach_admin": admin or path is not None,
        "hops": len(hops),
        "path": [_hop(hop) for hop in hops],
        "path_text": describe(hops),
        "crosses_accounts": any(
            hop.target and hop.target.split(":")[4] != hop.source.split(":")[4] for hop in hops
        ),
        "through_compute": any(how(hop.step) in _COMPUTE for hop in hops),
        "target": hops[-1].target if hops else "",
        "passes_admin_roles": at.passes_admins(arn),
        "held_by": Growing({"kind": kind, "arn": holder} for kind, holder in held),
        "public_functions": Growing(
            holder
            for kind, holder in held
            if kind == "lambda-function" and (granted if public.get(holder) is None else public[holder])
        ),
    }


def _hop(hop: Hop) -> Row:
    return {
        "step": hop.step.id,
        "title": hop.step.title,
        "how": how(hop.step),
        "source": hop.source,
        "target": hop.target,
        "certain": hop.certain,
    }


def _way(at: Standpoint, path: Path) -> Row:
    """The shortest path of one standpoint."""
    target = path.hops[-1].target
    return {
        "certain": path.certain,
        "hops": len(path.hops),
        "target": target,
        "target_account": (target or path.hops[-1].source).split(":")[4],
        "path_text": describe(path.hops),
        "steps": [
            {
                **_hop(hop),
                "evidence": [
                    {"action": e.action, "resource": e.resource, "statements": list(e.statements)}
                    for e in at.evidence(hop)
                ],
                "why": hop.step.why,
                "fix": hop.step.fix,
            }
            for hop in path.hops
        ],
    }


_URL_KEYS: Final = {"lambda:FunctionUrlAuthType": "NONE", "lambda:InvokedViaFunctionUrl": "true"}


def _public_functions(lake: Lake) -> dict[str, bool | None]:
    """Function ARN -> whether anybody may call it: over a URL without sign-in, or by a policy for all.

    AWS Lambda Developer Guide: Control access to Lambda function URLs.
    """
    from partywall.tables.registry import table

    stored = lake.source.stored(table("lambda_function"), ("account_id", "arn", "policy", "urls"))
    found: dict[str, bool | None] = {}
    for row in lake.arrow(stored).to_pylist():
        policy = row["policy"]
        if policy is None:
            found[row["arn"]] = None
            continue
        held = Policies(resource=PolicySet((parse(policy, "policy", principal=True),) if policy else ()))
        resource = Resource(row["arn"], row["account_id"])
        called = decide(Request(ANONYMOUS, "lambda:InvokeFunction", resource), held).must
        request = Request(ANONYMOUS, "lambda:InvokeFunctionUrl", resource, Context(_URL_KEYS))
        by_url = decide(request, held).must
        urls = row["urls"]
        opened = None if urls is None else any(u["auth_type"] == "NONE" for u in urls)
        found[row["arn"]] = True if called else opened if by_url else False
    return found


# Blame.


class _Blame:
    """The failed calls behind gaps."""

    def __init__(self, lake: Lake, given: Reading) -> None:
        self._lake = lake
        self._given = given
        self._found: dict[str, list[Row]] = {}

    def calls(self, gaps: Iterable[str]) -> list[Row]:
        """The calls that left some gaps, as elements of `_failed`."""
        found: dict[tuple[object, ...], Row] = {}
        for gap in sorted(gaps):
            if gap not in self._found:
                self._found[gap] = self._of(gap)
            for call in self._found[gap]:
                found.setdefault(tuple(call.values()), call)
        return list(found.values())

    def _of(self, gap: str) -> list[Row]:
        from partywall.analysis.tables import listing_failures
        from partywall.tables.registry import table
        from partywall.tables.schema import FAILED

        names = [f.name for f in FAILED.fields]
        tables = _BLAMED.get(gap, ())
        found: list[Row] = [call for _, _, call in listing_failures(self._lake, tables)]
        for name in tables:
            if not self._lake.source.files(name):
                continue
            stored = self._lake.source.select(table(name), ("_failed",))
            rows = self._lake.execute(
                f"SELECT DISTINCT {', '.join(f'f.{n}' for n in names[1:])}"
                f" FROM (SELECT unnest(_failed) AS f FROM ({stored})) ORDER BY ALL"
            ).fetchall()
            found += [dict(zip(names, ("rows", *values), strict=True)) for values in rows]
        if not found and gap.startswith("holders:"):
            found.append({**dict.fromkeys(names, ""), "call": "rows", "code": "RegionNotScanned"})
        return found
