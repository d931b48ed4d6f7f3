"""Builds the errors for failed downloads: one function per slug."""

from __future__ import annotations

from devboot.errors import DevbootError, IntegrityError, NetworkError
from devboot.sources.transfers.http import BROKEN, PROTOCOL, PROXY, RANGE, SHORT, STALLED, STATUS, TLS, Failure
from devboot.sources.transfers.network import shown_url
from devboot.sources.transfers.partial import Partial
from devboot.sources.transfers.transfer import Download
from devboot.text.units import duration, size

_SLUGS = {
    STALLED: "network/stalled",
    SHORT: "network/short-body",
    TLS: "network/tls",
    RANGE: "network/bad-range",
    PROXY: "network/proxy",
}
_ENDS = {
    STALLED: "stopped sending",
    SHORT: "sends less than it announces",
    TLS: "can't be trusted",
    PROXY: "can't be reached through the proxy",
    RANGE: "sends another part than requested",
    BROKEN: "broke the connection off",
    PROTOCOL: "sends an answer that can't be understood",
}


def failed(
    wanted: Download, failure: Failure, tries: int, seconds: float, here: int, asked: float | None
) -> DevbootError:
    """Return the error for a download's last failure, after `tries` attempts in `seconds`; `here` bytes are kept."""
    if failure.kind == STATUS:
        return _refused(wanted, failure, tries, asked)
    end = _ENDS.get(failure.kind, "can't be reached")
    tried = f"tried {tries} times in {duration(seconds)}" if tries > 1 else "not retried: the result would be the same"
    sizes = (
        [f"{size(here)} of {size(wanted.size)} came"] if failure.kind in (STALLED, SHORT) and wanted.size > 0 else []
    )
    return NetworkError(
        _SLUGS.get(failure.kind, "network/unreachable"),
        f"could not fetch {wanted.what}: {failure.host} {end}",
        causes=[failure.cause, *sizes, tried, _address(wanted)],
        help=_help(failure),
        kept=[f"{size(here)} of it; the next try continues there"] if here else [],
    )


def _help(failure: Failure) -> list[str]:
    if failure.kind == TLS:
        return [
            "export SSL_CERT_FILE=/path/to/your/organisation/certificates.pem",
            "date  # a wrong clock is another cause",
        ]
    return [
        "check the connection or VPN, then run the same command again",
        "behind a proxy: export HTTPS_PROXY=http://proxy.example.test:3128",
    ]


def _refused(wanted: Download, failure: Failure, tries: int, asked: float | None) -> NetworkError:
    status = failure.status
    causes = [_address(wanted), f"a login was sent: {'yes' if failure.has_login else 'no'}"]
    if asked is not None:
        causes.append(f"it asks to wait {duration(asked)}")
    if tries > 1:
        causes.append(f"tried {tries} times")
    helps = {
        401: ["put a login for this host into ~/.netrc or the keyring, or into .npmrc for a registry"],
        403: ["put a login for this host into ~/.netrc, or into .npmrc for a registry"],
        404: [f"devboot lock --update {wanted.step}"],
        410: [f"devboot lock --update {wanted.step}"],
    }
    return NetworkError(
        f"network/http-{status}",
        f"{failure.host} answered {status} to the request for {wanted.what}",
        causes=causes,
        help=helps.get(status, ["run the same command again later"]),
    )


def offline(wanted: Download) -> NetworkError:
    """Return the error for a file that isn't cached while the network is switched off."""
    much = f", {size(wanted.size)}" if wanted.size >= 0 else ""
    return NetworkError(
        "network/offline",
        f"{wanted.what} isn't on this machine, and the network is off",
        causes=[f"missing: `{wanted.url.rpartition('/')[2].partition('?')[0]}`{much}", _address(wanted)],
        help=["run the same command once with the network: without `--offline`, DEVBOOT_OFFLINE and UV_OFFLINE"],
    )


def cancelled(*, is_kept: bool) -> NetworkError:
    """Return the error for a download that the user has aborted; `is_kept`: it can be resumed."""
    return NetworkError(
        "network/cancelled",
        "the download was interrupted",
        help=["run the same command again" + (": it continues the download" if is_kept else "")],
        kept=["the downloaded part"] if is_kept else [],
    )


def mismatch(wanted: Download, partial: Partial, aside: str) -> IntegrityError:
    """Return the error for a file with a digest other than the locked one; its bytes were moved to `aside`."""
    causes = []
    head = partial.head()
    if looks_like_html(head):
        causes.append("the body looks like an HTML page: a login page of the network, or a proxy's")
    if partial.size > wanted.size >= 0:
        causes.append(f"more than the {size(wanted.size)} came that were locked")
    elif partial.size < wanted.size:
        causes.append(f"{size(partial.size)} came instead of {size(wanted.size)}")
    causes += [
        "the download is damaged, the file was replaced after it was locked, or somebody has tampered with it",
        _address(wanted),
    ]
    helps = ["log in to the network, then run the same command again"] if looks_like_html(head) else []
    return IntegrityError(
        "integrity/hash-mismatch",
        f"{wanted.what} is not the file that was locked",
        details=[f"expected sha256:{wanted.sha256}", f"computed sha256:{partial.sha256}"],
        causes=causes,
        help=[*helps, f"devboot lock --update {wanted.step}"],
        kept=[f"the wrong bytes, for inspection: {aside}", "nothing of it is used"],
    )


def too_long(wanted: Download, most: int) -> IntegrityError:
    """Return the error for a response longer than `most` bytes."""
    return IntegrityError(
        "integrity/too-long",
        f"the answer for {wanted.what} is longer than {size(most)}",
        causes=[_address(wanted), "an answer of this length isn't from a package registry"],
        help=["check that address, and the setting that it comes from"],
    )


def looks_like_html(head: bytes) -> bool:
    """Return whether a file's first bytes look like a web page."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower().startswith((b"<!doctype html", b"<html"))


def _address(wanted: Download) -> str:
    return f"`{shown_url(wanted.url)}`, as {wanted.said_by} says"
