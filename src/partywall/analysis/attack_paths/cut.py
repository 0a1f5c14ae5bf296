"""The smallest set of changes that cuts the most attack paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

from partywall.analysis.attack_paths.parts import UNKNOWN, Change
from partywall.analysis.attack_paths.study import AttackPath

_TRIED: Final = 200_000
"""At most so many sets of changes are tried to find or to rule out a smaller set."""
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Cut:
    """A change with what it does. `alone`: how many paths it cuts by itself; `together`: how many are cut
    with the changes before it; `weight`: the summed score of those that it adds."""

    change: Change
    alone: int
    together: int
    weight: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they pay. `smallest`: proven that no smaller set cuts as many paths."""

    cuts: tuple[Cut, ...]
    paths: int
    smallest: bool

    @property
    def cut(self) -> int:
        """How many of the paths the changes cut together."""
        return self.cuts[-1].together if self.cuts else 0


def plan(paths: Sequence[AttackPath], most: int = 0) -> Plan:
    """Changes that cut paths, the most rewarding first; `most`: no more than so many (0: until all are cut).

    A path is cut when all its known routes are. Greedily by the score of the routes newly cut, then every
    smaller set is tried where these are few enough to try.
    """
    known = [p for p in paths if p.best.certainty != UNKNOWN]
    routes: list[tuple[int, frozenset[Key], float]] = []
    changes: dict[Key, Change] = {}
    for at, path in enumerate(known):
        for route in path.routes:
            if route.certainty == UNKNOWN:
                continue
            keys = frozenset(c.key for c in route.changes)
            changes.update({c.key: c for c in route.changes})
            routes.append((at, keys, route.score))
    order = _greedy(routes, changes, most)
    limit = min(most, len(order)) if most else len(order)
    order = order[:limit]
    done = _paths_cut(routes, order)
    better = _smaller(routes, list(changes), len(order), done)
    smallest = better is not None
    if better:
        order = _by_gain(routes, better)
    return Plan(_told(routes, order, changes), len(known), smallest)


def _greedy(
    routes: Sequence[tuple[int, frozenset[Key], float]], changes: Mapping[Key, Change], most: int
) -> list[Key]:
    left = [r for r in routes if r[1]]
    chosen: list[Key] = []
    while left and (not most or len(chosen) < most):
        gains: dict[Key, float] = {}
        for _, keys, score in left:
            for key in keys:
                gains[key] = gains.get(key, 0.0) + score + 1e-6
        best = min(gains, key=lambda k: (-gains[k], k))
        chosen.append(best)
        left = [r for r in left if best not in r[1]]
    # What later choices made needless is left out.
    for key in list(chosen):
        without = [k for k in chosen if k != key]
        if _paths_cut(routes, without) == _paths_cut(routes, chosen):
            chosen = without
    return chosen


def _paths_cut(routes: Sequence[tuple[int, frozenset[Key], float]], chosen: Sequence[Key]) -> frozenset[int]:
    """The paths (by place) all of whose routes some chosen change cuts."""
    made = frozenset(chosen)
    left = {at for at, keys, _ in routes if keys.isdisjoint(made)}
    return frozenset(at for at, _, _ in routes) - left


def _smaller(
    routes: Sequence[tuple[int, frozenset[Key], float]],
    keys: Sequence[Key],
    size: int,
    done: frozenset[int],
) -> list[Key] | None:
    """A set of fewer changes that cuts as many paths; [] where there is none; None where too many to try."""
    if size == 0:
        return []
    if sum(comb(len(keys), n) for n in range(1, size)) > _TRIED // max(1, len(routes) // 50):
        return None
    # Changes that cut the same routes are one.
    alike: dict[frozenset[int], Key] = {}
    for key in sorted(keys):
        alike.setdefault(frozenset(n for n, r in enumerate(routes) if key in r[1]), key)
    for count in range(1, size):
        for tried in combinations(sorted(alike.values()), count):
            if len(_paths_cut(routes, tried)) >= len(done):
                return list(tried)
    return []


def _by_gain(routes: Sequence[tuple[int, frozenset[Key], float]], keys: Sequence[Key]) -> list[Key]:
    left, order = list(keys), list[Key]()
    while left:
        best = min(left, key=lambda k: (-len(_paths_cut(routes, [*order, k])), k))
        order.append(best)
        left.remove(best)
    return order


def _told(
    routes: Sequence[tuple[int, frozenset[Key], float]],
    order: Sequence[Key],
    changes: Mapping[Key, Change],
) -> tuple[Cut, ...]:
    worth: dict[int, float] = {}
    for at, _, score in routes:
        worth[at] = max(worth.get(at, 0.0), score)
    found: list[Cut] = []
    before: frozenset[int] = frozenset()
    for n, key in enumerate(order, 1):
        now = _paths_cut(routes, order[:n])
        alone = len(_paths_cut(routes, [key]))
        found.append(Cut(changes[key], alone, len(now), round(sum(worth[p] for p in now - before), 1)))
        before = now
    return tuple(found)
