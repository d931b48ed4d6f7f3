"""Translates pip's failures into devboot's errors, with the slugs of uv's failures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devboot.errors import DevbootError, IntegrityError, MachineError, NetworkError, WorkError
from devboot.uv.failures import masked

_NONE = re.compile(r"No matching distribution found for (?P<name>[A-Za-z0-9._-]+?)(?:\[.*\])?(?:==|\s|$)")
_STATUS = re.compile(
    r"(?<!\d)(?P<status>40\d|410|429|5\d\d) (?:Client Error|Server Error|while getting)|too many (?P<tried>5\d\d) error"
)
# With several indexes it is normal that one lacks a package, but not that one doesn't answer.
_UNANSWERED = re.compile(
    r"Could not fetch URL (?P<url>\S+): (?!40[4-9] |410 )(?P<why>.*?)(?: - skipping)?$", re.MULTILINE
)
_BROKEN = (
    "Max retries exceeded",
    "took too long",
    "ProtocolError",
    "IncompleteRead",
    "ReadTimeout",
    "ConnectionResetError",
    "Proxy URL had unsupported scheme",
    "Please check proxy URL",
)
_HOST = re.compile(r"https?://(?:[^/@\s]+@)?(?P<host>[^/\s'\",)]+)|host='(?P<bare>[^']+)'")
_MISMATCH = re.compile(r"^\s{4}(?P<name>[A-Za-z0-9._-]+==\S+) from ")
_TIRESOME = ("WARNING: Ignoring invalid distribution", "[notice]")
_SHOWN = 12


def lacking_package(lines: Sequence[str]) -> str:
    """Return the package without a file for the target, from pip's output; "" if pip failed otherwise."""
    text = "\n".join(lines)
    if _UNANSWERED.search(text):
        return ""
    match = _NONE.search(text)
    return match["name"] if match else ""


def pip_failure(lines: Sequence[str], *, doing: str) -> DevbootError:
    """Return the error for a failed pip; `doing` completes "could not …"."""
    shown = [masked(line) for line in lines if line.strip() and not line.strip().startswith(_TIRESOME)]
    text = "\n".join(shown)
    unanswered = _UNANSWERED.search(text)
    errors = [line.strip() for line in shown if line.startswith(("ERROR", "WARNING"))]
    causes = [unanswered[0]] if unanswered else errors[-3:] or shown[-3:]
    host = next((match["host"] or match["bare"] for match in _HOST.finditer(unanswered[0] if unanswered else text)), "")
    if "DO NOT MATCH THE HASHES" in text:
        name = next((f"`{match['name']}`" for line in shown if (match := _MISMATCH.match(line))), "a package")
        return IntegrityError(
            "integrity/hash-mismatch",
            f"{name} is not the file that was locked",
            details=[line for line in shown if line.strip().startswith(("Expected", "Got"))],
            causes=[
                "the download is damaged, the file was replaced after it was locked, or somebody has tampered with it"
            ],
            help=["if it was replaced on purpose, lock it again: `devboot lock --update NAME`"],
            kept=["no kit was written"],
        )
    if "No space left" in text:
        return MachineError(
            "machine/disk-full", f"could not {doing}: the disk is full", causes=causes, help=["df -h .", "devboot gc"]
        )
    if (found := _of_network(unanswered[0] if unanswered else text, causes, host, doing)) is not None:
        return found
    if match := _NONE.search(text):
        return WorkError(
            "python/no-such-package",
            f"no index has a file of `{match['name']}` that the lock names",
            causes=causes,
            help=["if it was withdrawn, lock it again: `devboot lock --update NAME`, or the lock's own tool"],
        )
    return WorkError(
        "python/pip-failed",
        f"could not {doing}: pip failed",
        details=shown[-_SHOWN:],
        causes=causes,
        help=["devboot explain python/pip-failed"],
    )


def _of_network(text: str, causes: Sequence[str], host: str, doing: str) -> DevbootError | None:
    if answer := _STATUS.search(text):
        status = answer["status"] or answer["tried"]
        login = "check the address of the index, and its login: pip reads `~/.netrc` and the keyring"
        return NetworkError(
            f"network/http-{status}",
            f"{host or 'the index'} answered {status} to a request",
            causes=causes,
            help=["run the same command again later" if status.startswith("5") else login],
        )
    if "CERTIFICATE_VERIFY_FAILED" in text or "SSLError" in text or "suitable TLS CA certificate bundle" in text:
        return NetworkError(
            "network/tls",
            f"could not {doing}: the certificate{f' from {host}' if host else ''} is not trusted",
            causes=causes,
            help=["export SSL_CERT_FILE=/path/to/your/organisation/certificates.pem"],
        )
    if any(words in text for words in _BROKEN):
        return NetworkError(
            "network/unreachable",
            f"could not {doing}: {host or 'the index'} can't be reached",
            causes=causes,
            help=[
                "check the connection or VPN, then run the same command again",
                "behind a proxy: export HTTPS_PROXY=http://proxy.example.test:3128",
            ],
        )
    return None
