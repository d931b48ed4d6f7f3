"""Installs programs from packages of Debian and Ubuntu, without root."""
