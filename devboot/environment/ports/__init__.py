"""Ports of a project: chooses, records and checks them, and identifies programs that hold them."""
