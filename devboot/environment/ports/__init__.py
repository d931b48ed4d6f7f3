"""Ports of a project: chooses, records and checks them, and names the programs that hold them."""
