"""Whether some values of the condition keys let a request through: exact over classes of values.

For each key the conditions cut its values into classes (contexts.py, automata.py); of a class it matters only
which conditions it meets. A caller's choices are those classes that they can bring (access_keys.py).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address
from typing import Final

from partywall.analysis.globs import has_wildcard
from partywall.analysis.iam.access_keys import Caller, Domain, Settled, domain
from partywall.analysis.iam.automata import Token, TooMany, arn_tokens, classes, glob_tokens, literal_tokens
from partywall.analysis.iam.context import ALWAYS, Context, Facts, Unknown
from partywall.analysis.iam.contexts import choices
from partywall.analysis.iam.lint.reference import GLOBAL_KEYS
from partywall.analysis.iam.operators import OPERATORS, Condition, fill, holds, network
from partywall.analysis.iam.patterns import Matcher, Variable, arn, glob, template

_STATES: Final = 4_000
_MAX_SET: Final = 5
_MAX_TRIED: Final = 20_000
# S3's page calls broader ranges of addresses public.
_WIDEST: Final = {4: 8, 6: 32}
# Where special-purpose blocks begin and end, so that no interval of addresses is partly public.
_BLOCKS: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "2600::/16"),
)


@dataclass(frozen=True, slots=True)
class Option:
    """One class of values of a key: `met` and `open` are bitsets of the conditions that it meets or leaves
    open."""

    values: Settled
    met: int
    open: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement: the bitset of its conditions. `open`: whether it applies at all is not known."""

    conditions: int
    open: bool = False


class Solver:
    """The choices of one caller over the conditions of all statements that may name them."""

    def __init__(
        self, caller: Caller, conditions: Sequence[Condition], resource: Facts, *, strict: bool
    ) -> None:
        settled = _settled(conditions, caller, resource)
        self.conditions = [_filled(c, settled) for c in conditions]
        self.options: dict[str, list[Option]] = {}
        by_key: dict[str, list[int]] = {}
        for n, condition in enumerate(conditions):
            by_key.setdefault(condition.lower_key, []).append(n)
        self.bits = {key: sum(1 << n for n in listed) for key, listed in by_key.items()}
        for key, listed in by_key.items():
            self.options[key] = self._of(key, listed, caller, resource, strict, settled)

    def _of(
        self,
        key: str,
        listed: list[int],
        caller: Caller,
        resource: Facts,
        strict: bool,
        settled: dict[str, Settled],
    ) -> list[Option]:
        mine = [self.conditions[n] for n in listed]
        values: list[Settled] | None
        found = domain(key, caller, resource, strict)
        if isinstance(found, Unknown):
            values = None
        elif isinstance(found, Domain):
            values = _values(key, mine, found)
        else:
            values = [found]
        if values is None:
            met, open_ = 0, 0
            for n in listed:
                # Even so, some conditions hold of every value.
                held = holds(self.conditions[n], Context())
                met |= (1 << n) if held else 0
                open_ |= (1 << n) if held is None else 0
            return [Option(None, met, open_)]
        guess = isinstance(found, Domain) and found.guess
        made: dict[tuple[int, int], Option] = {}
        for value in values:
            met, open_ = 0, 0
            for n in listed:
                held = _holds(self.conditions[n], key, value, settled)
                met |= (1 << n) if held else 0
                open_ |= (1 << n) if held is None else 0
            made.setdefault((met, open_), Option(value, met, open_))
        if guess and len(made) > 1:
            surely = min((o.met for o in made.values()), default=0)
            perhaps = 0
            for option in made.values():
                surely &= option.met
                perhaps |= option.met | option.open
            return [Option(None, surely, perhaps & ~surely)]
        return list(made.values())

    def solve(
        self, allows: Iterable[Clause], denies: Sequence[Clause]
    ) -> tuple[bool | None, int, dict[str, Settled]]:
        """(whether some values let a request through, the place of the Allow that does, the values).

        None where that hangs on conditions or statements that are open; the values are then a guess.
        """
        listed = list(allows)
        for sure in (True, False):
            for n, clause in enumerate(listed):
                if sure and clause.open:
                    continue
                found = self._through(clause, denies, sure)
                if found is not None:
                    return (True if sure else None), n, found
        return False, -1, {}

    def _through(self, allow: Clause, denies: Sequence[Clause], sure: bool) -> dict[str, Settled] | None:
        relevant = allow.conditions
        for deny in denies:
            if not deny.conditions and (sure or not deny.open):
                return None
            relevant |= deny.conditions
        left: list[tuple[str, list[Option]]] = []
        for key, options in self.options.items():
            bits = self.bits[key]
            if not bits & relevant:
                continue
            wanted = allow.conditions & bits
            good = [o for o in options if not wanted & ~(o.met if sure else o.met | o.open)]
            if not good:
                return None
            left.append((key, _best(good, bits & relevant & ~wanted, sure)))
        total = 1
        for _, options in left:
            total *= len(options)
        if total > _MAX_TRIED:
            # Too many to try: what is certain is not told, and what may be is not ruled out.
            return None if sure else {key: options[0].values for key, options in left}
        for chosen in itertools.product(*(options for _, options in left)):
            hit = 0
            for option in chosen:
                hit |= option.met | (option.open if sure else 0)
            if any(not d.conditions & ~hit and (sure or not d.open) for d in denies):
                continue
            return {key: o.values for (key, _), o in zip(left, chosen, strict=True)}
        return None

    def doubts(self) -> set[str]:
        """The keys that leave some condition open."""
        return {key for key, options in self.options.items() if any(o.open for o in options)}


def _best(options: list[Option], against: int, sure: bool) -> list[Option]:
    """Those options of which none meets less of the conditions of Deny statements."""
    masks = [(o.met | (o.open if sure else 0)) & against for o in options]
    kept: dict[int, Option] = {}
    for mask, option in zip(masks, options, strict=True):
        if mask not in kept and not any(other != mask and not other & ~mask for other in masks):
            kept[mask] = option
    return list(kept.values())


def _settled(conditions: Iterable[Condition], caller: Caller, resource: Facts) -> dict[str, Settled]:
    """The variables of conditions whose keys have one value only; others leave the condition open."""
    found: dict[str, Settled] = {}
    for name in {part.key for c in conditions for part in _variables(c)}:
        value = domain(name, caller, resource, strict=False)
        if not isinstance(value, (Domain, Unknown)):
            found[name] = value
    return found


def _filled(condition: Condition, settled: dict[str, Settled]) -> Condition:
    """The condition with its variables filled, where each has one value."""
    variables = _variables(condition)
    if not variables or any(settled.get(v.key) is None for v in variables):
        return condition
    context = Context({k: v for k, v in settled.items() if v is not None}, complete=True)
    made = [fill(value, context) for value in condition.values]
    texts = tuple(v for v in made if isinstance(v, str))
    return replace(condition, values=texts, variables=False) if len(texts) == len(made) else condition


def _variables(condition: Condition) -> list[Variable]:
    operator = OPERATORS.get(condition.name)
    if not condition.variables or operator is None or not operator.variables:
        return []
    return [
        part
        for value in condition.values
        if "${" in value
        for part in template(value)
        if isinstance(part, Variable)
    ]


def _holds(condition: Condition, key: str, value: Settled, settled: dict[str, Settled]) -> bool | None:
    known = {key: value}
    for variable in _variables(condition):
        if variable.key in settled:
            known[variable.key] = settled[variable.key]
    told = {k: v for k, v in known.items() if v is not None}
    return holds(condition, Context(told, missing=known.keys() - told.keys()))


def _values(key: str, conditions: list[Condition], allowed: Domain) -> list[Settled] | None:
    """The values of a key worth trying that a caller can bring; None where they are too many to tell."""
    # What an open variable comes to is not told, and `_holds` leaves it open.
    conditions = [c for c in conditions if not _variables(c)]
    singles = _singles(key, conditions, allowed)
    if singles is None:
        return None
    singles = [v for v in dict.fromkeys(singles) if _allowed(v, conditions, allowed)]
    made: list[Settled] = [None] if allowed.missing and key not in ALWAYS else []
    many = "ArrayOf" in GLOBAL_KEYS.get(key, "ArrayOf" if not key.startswith("aws:") else "")
    if many and any(c.quantifier for c in conditions):
        sizes = range(1, min(len(singles), _MAX_SET) + 1)
        return made + [each for size in sizes for each in itertools.combinations(singles, size)]
    return made + [(value,) for value in singles]


def _singles(key: str, conditions: list[Condition], allowed: Domain) -> list[str] | None:
    kinds = {_kind(c.name) for c in conditions} - {"null"}
    if allowed.addresses or "address" in kinds:
        probe = Condition("IpAddress", key, tuple(_BLOCKS), "ipaddress")
        return [v[0] for v in choices(key, [*conditions, probe]).values if v]
    texts = [c for c in conditions if _kind(c.name) == "text"]
    if not kinds or kinds == {"text"}:
        found = _texts(texts, allowed.patterns)
        folded = any("ignorecase" in c.name for c in texts)
        return found if found is None or not folded else found + [v.swapcase() for v in found]
    if len(kinds) > 1:
        return None
    found = choices(key, conditions)
    return None if found.why else [v[0] for v in found.values if v and len(v) == 1]


def _kind(name: str) -> str:
    if name.startswith(("string", "arn")):
        return "text"
    if name in ("ipaddress", "notipaddress"):
        return "address"
    return name[:4] if name != "null" else "null"


def _texts(conditions: list[Condition], patterns: Sequence[str]) -> list[str] | None:
    """One value of each class that the conditions tell apart within `patterns`."""
    values = [(c, v) for c in conditions for v in c.values]
    literal = [v for c, v in values if not _is_wild(c, v)]
    if len(literal) == len(values):
        inside = [v for v in literal if any(_within(p)(v) for p in patterns)]
        return [*inside, *(e for p in patterns if (e := _example(p, literal)) is not None)]
    own = list(dict.fromkeys(_tokens(p) for p in patterns))
    machines = own + [
        (arn_tokens(v) if c.name.startswith("arn") else glob_tokens(v))
        if _is_wild(c, v)
        else literal_tokens(v)
        for c, v in values
    ]
    within = (1 << len(own)) - 1
    try:
        found = classes(list(dict.fromkeys(machines)), _STATES)
    except TooMany:
        return None
    return [each.example for each in found if each.members & within]


def _within(pattern: str) -> Matcher:
    return arn(pattern) if pattern.startswith("arn:") else glob(pattern)


def _tokens(pattern: str) -> tuple[Token, ...]:
    return arn_tokens(pattern) if pattern.startswith("arn:") else glob_tokens(pattern)


def _is_wild(condition: Condition, value: str) -> bool:
    like = "like" in condition.name or condition.name.startswith("arn")
    return like and has_wildcard(value)


def _example(pattern: str, taken: list[str]) -> str | None:
    """A text of a pattern that is none of `taken`; None where there is no other."""
    if not has_wildcard(pattern):
        return pattern
    for n in itertools.count():
        filler = f"partywall{n or ''}"
        made = re.sub(r"\*+", filler, pattern).replace("?", "0")
        # `aws*` in an ARN's second field stands for the partition.
        made = made.replace(f"arn:aws{filler}:", "arn:aws:")
        if made not in taken:
            return made
    return None


def _allowed(value: str, conditions: list[Condition], allowed: Domain) -> bool:
    if allowed.addresses:
        return _public(value, conditions)
    if allowed.pinned is None:
        return True
    for condition in conditions:
        if _kind(condition.name) != "text":
            continue
        wild = "like" in condition.name or condition.name.startswith("arn")
        for named in condition.values:
            if allowed.pinned(named, wild) and _matches(condition.name, named, value):
                return False
    return True


def _matches(name: str, pattern: str, value: str) -> bool:
    if name.startswith("arn"):
        return arn(pattern)(value)
    if "like" in name:
        return glob(pattern)(value)
    return pattern.casefold() == value.casefold() if "ignorecase" in name else pattern == value


def _public(value: str, conditions: list[Condition]) -> bool:
    """Whether an address is public, and of no range narrow enough to be somebody's own."""
    try:
        address = ip_address(value)
    except ValueError:
        # Text that a condition compares the key with.
        return False
    if not address.is_global:
        return False
    for condition in conditions:
        named = [n for v in condition.values if (n := network(v)) is not None]
        merged: list[IPv4Network | IPv6Network] = [
            *collapse_addresses(n for n in named if isinstance(n, IPv4Network)),
            *collapse_addresses(n for n in named if isinstance(n, IPv6Network)),
        ]
        if any(
            n.version == address.version and address in n and n.prefixlen >= _WIDEST[n.version]
            for n in merged
        ):
            return False
    return True
