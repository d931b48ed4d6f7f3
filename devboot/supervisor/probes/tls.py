"""TLS for a question by HTTP: bytes in, bytes out, so that nothing ever waits for a socket."""

from __future__ import annotations

import ssl


class Tls:
    """One connection's. Certificates aren't checked: those of a server under development are its own.

    `outgoing` are the bytes to send next; `take(data)` returns what the answer says in the clear so far. Raises OSError
    where the other side doesn't speak TLS.
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
        """What is to be sent now; empty for nothing."""
        return self._sent.read()

    def take(self, data: bytes) -> bytes:
        """Go on with what has come; empty `data` means that nothing more will."""
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
