"""Reads a clone, never runs it, and proposes a manifest."""

from devboot.onboarding.brokers import without_rabbitmq
from devboot.onboarding.channels import without_channels
from devboot.onboarding.detect import detect
from devboot.onboarding.proposal import Proposal
from devboot.onboarding.render import render

__all__ = ["Proposal", "detect", "render", "without_channels", "without_rabbitmq"]
