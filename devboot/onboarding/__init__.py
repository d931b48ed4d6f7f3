"""Detection: reads a clone without running it, and proposes a manifest."""

from devboot.onboarding.packages.age import with_date
from devboot.onboarding.proposal.detect import detect, look_around
from devboot.onboarding.proposal.missing_parts import lacking
from devboot.onboarding.proposal.render import render, tables
from devboot.onboarding.proposal_values import Proposal
from devboot.onboarding.services.unavailable import with_versions_of, without_channels, without_rabbitmq

__all__ = [
    "Proposal",
    "detect",
    "lacking",
    "look_around",
    "render",
    "tables",
    "with_date",
    "with_versions_of",
    "without_channels",
    "without_rabbitmq",
]
