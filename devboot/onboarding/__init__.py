"""Reads a clone, never runs it, and proposes a manifest."""

from devboot.onboarding.age import with_date
from devboot.onboarding.brokers import without_rabbitmq
from devboot.onboarding.detect import detect
from devboot.onboarding.endpoints import without_channels
from devboot.onboarding.proposal import Proposal
from devboot.onboarding.render import render

__all__ = ["Proposal", "detect", "render", "with_date", "without_channels", "without_rabbitmq"]
