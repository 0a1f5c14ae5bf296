"""What the states of requirements mean, in words for somebody who did not make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from partywall.frameworks.model import State

ORDER: Final = (
    State.NOT_SATISFIED,
    State.NOT_EVALUATED,
    State.INHERITED_STALE,
    State.ATTESTED_EXPIRED,
    State.EXCEPTED,
    State.SATISFIED,
    State.ATTESTED,
    State.INHERITED,
    State.NOT_APPLICABLE,
)
"""States from what needs a look to what does not."""

MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    "not_satisfied": ("Not satisfied", "At least one resource breaks it, and nobody accepted that."),
    "not_evaluated": ("Not evaluated", "Something needed to tell was not read, not scanned or not attested."),
    "inherited_stale": ("Inherited, stale", "AWS's report that it rests on ended too long ago."),
    "attested_expired": ("Attestation expired", "Somebody stated it, for a time that is over."),
    "excepted": ("Excepted", "What breaks it was accepted by somebody, with a reason, until a day."),
    "satisfied": ("Satisfied", "Every part of it holds, over everything that it applies to."),
    "attested": ("Attested", "A person stated it and another reviewed that; no machine can tell."),
    "inherited": ("Inherited from AWS", "It is AWS's to do, and a report of AWS in force says that it does."),
    "not_applicable": ("Not applicable", "There is nothing that it would apply to."),
}
"""State -> its name and what it means."""
