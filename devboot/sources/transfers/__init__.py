"""Downloads over HTTP: resumed, retried, verified, with the user's proxies and logins."""
