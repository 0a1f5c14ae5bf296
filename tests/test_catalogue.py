"""The catalogue: every check loads, types, judges its examples, is monotone, and names refs that exist."""

import pytest

from partywall.checks.examples import run_examples
from partywall.checks.lint import lint_refs, prove_monotone
from partywall.checks.loader import catalogue, compile_check

CHECKS = catalogue()


def _ids(check_id: str) -> str:
    return check_id


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_examples_get_their_verdicts(check_id: str) -> None:
    assert list(run_examples([compile_check(CHECKS[check_id])])) == []


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_unknown_inputs_never_change_a_verdict_but_to_unknown(check_id: str) -> None:
    assert prove_monotone(compile_check(CHECKS[check_id])) == []


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_refs_exist(check_id: str) -> None:
    assert lint_refs(CHECKS[check_id].check) == []
