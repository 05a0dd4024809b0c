"""What the comparison with the venue's answer is called."""

from __future__ import annotations

import pytest

from crossmargin.core.book.health import Judgement, Parity, VenueAnswer, Verdict
from crossmargin.core.errors import Failure, Reason

UNKNOWN = Verdict.unknown()


@pytest.mark.parametrize(
    ("ours", "theirs", "status"),
    [
        ({"debt": 5}, {"debt": 5, "health": 1}, "exact"),
        ({"debt": 5}, {"debt": 6}, "mismatch"),
        ({}, {"debt": 5}, "view_only"),
    ],
)
def test_a_comparison_needs_figures_of_our_own(ours, theirs, status):
    """Common figures are exact or not; where none is ours, the venue's view was only repeated."""
    judgement = Judgement("m", UNKNOWN, UNKNOWN, ours)
    assert Parity.between(judgement, VenueAnswer(theirs)).status == status


def test_a_venue_that_did_not_answer_is_unread():
    """A failed or missing view is no agreement."""
    judgement = Judgement("m", UNKNOWN, UNKNOWN, {"debt": 5})
    lost = Failure(Reason.RPC_UNAVAILABLE)
    assert Parity.between(judgement, lost).status == "unread"
    assert Parity.between(judgement, None).status == "unread"
