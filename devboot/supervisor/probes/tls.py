"""TLS for probes, in memory: encrypts and decrypts bytes, so that no call blocks on a socket."""

from __future__ import annotations

import ssl


class Tls:
    """TLS of one connection. Certificates aren't checked, because development servers sign their own.

    `outgoing` returns the bytes to send next, `take(data)` the decrypted answer so far. Raises OSError if the peer
    doesn't speak TLS.
    """

    def __init__(self, host: str, question: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._received, self._sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._received, self._sent, server_hostname=host or None)
        self._question = question
        self._shakes = True
        self._go_on()

    def outgoing(self) -> bytes:
        """Return the bytes to send now; empty for none."""
        return self._sent.read()

    def take(self, data: bytes) -> bytes:
        """Decrypt received bytes and return the plain ones; empty `data` means the end of input."""
        if not data:
            self._received.write_eof()
        self._received.write(data)
        return self._go_on()

    def _go_on(self) -> bytes:
        clear = b""
        try:
            if self._shakes:
                self._session.do_handshake()
                self._shakes = False
                self._session.write(self._question)
            while part := self._session.read(16384):
                clear += part
        except (ssl.SSLWantReadError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        return clear
