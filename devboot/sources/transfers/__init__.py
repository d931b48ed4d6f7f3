"""Transfers over HTTP: resumed, tried again, checked, with the proxies and logins of the user."""
