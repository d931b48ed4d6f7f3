"""Requests of clients: reads them, runs their handlers, and answers when they are done or have failed."""
