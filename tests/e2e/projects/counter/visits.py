"""Counts visits in Redis: `python -m visits` prints how many there were, one more than before."""

import os
import socket
import urllib.parse


def visit() -> int:
    """Count one more."""
    url = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    with socket.create_connection((url.hostname, url.port), 5) as connection:
        connection.sendall(f"AUTH {url.password}\r\nINCR visits\r\n".encode())
        answers = connection.makefile("rb")
        answers.readline()
        answer = answers.readline()
    if not answer.startswith(b":"):
        raise RuntimeError(answer.decode())
    return int(answer[1:])


if __name__ == "__main__":
    print(visit())
