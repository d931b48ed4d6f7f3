"""A package index that misbehaves as told: serves wheels out of a folder on a loopback port."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Index:
    """`plan` maps a path's last part (a project's or a wheel's name) to what happens to requests for it, in order.

    Each is a status (500), `"stall"` (nothing comes until the end of the test), `"reset"`, `"html"` (a page instead of
    the file), `"damaged"` (right length, wrong bytes) or `"ok"`; the last one counts for ever. `asked` lists the paths.
    With `dates` (file name → date of its upload) pages are JSON, as only that has dates and sizes.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.plan: dict[str, list[int | str]] = {}
        self.asked: list[str] = []
        self.dates: dict[str, str] = {}
        self.over = threading.Event()
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                index.answer(self)

            def do_HEAD(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(os.path.getsize(index.path_of(self.path))))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """End it, and whatever still stalls."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        path = request.path.partition("?")[0].rstrip("/")
        name = path.rpartition("/")[2]
        self.asked.append(path)
        steps = self.plan.get(name, ["ok"])
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if step == "stall":
            self.over.wait()
        elif step == "reset":
            request.connection.close()
        elif isinstance(step, int):
            request.send_error(step)
        elif step == "html":
            self._send(request, b"<!doctype html><title>Please log in</title>", "text/html")
        elif path.startswith("/simple/") and self.dates:
            self._send(request, self._json(name), "application/vnd.pypi.simple.v1+json")
        elif path.startswith("/simple/"):
            page = self._page(name)
            self._send(request, page.encode(), "text/html") if "<a" in page else request.send_error(404)
        else:
            with open(self.path_of(path), "rb") as file:
                data = file.read()
            if step == "damaged":
                data = data[:-40] + bytes(byte ^ 1 for byte in data[-40:-20]) + data[-20:]
            self._send(request, data, "application/octet-stream")

    def path_of(self, path: str) -> str:
        """The file that stands for `/files/NAME`."""
        return os.path.join(self.folder, path.rpartition("/")[2])

    def _page(self, project: str) -> str:
        links = []
        for file in sorted(os.listdir(self.folder)):
            if file.split("-")[0].replace("_", "-").lower() == project:
                with open(os.path.join(self.folder, file), "rb") as opened:
                    digest = hashlib.file_digest(opened, "sha256").hexdigest()
                links.append(f'<a href="/files/{file}#sha256={digest}">{file}</a>')
        return f"<!doctype html><title>{project}</title>{''.join(links)}"

    def _json(self, project: str) -> bytes:
        files = []
        for file, date in sorted(self.dates.items()):
            if file.split("-")[0].replace("_", "-").lower() == project:
                with open(os.path.join(self.folder, file), "rb") as opened:
                    data = opened.read()
                digests = {"sha256": hashlib.sha256(data).hexdigest()}
                about = {"filename": file, "url": f"/files/{file}", "size": len(data), "upload-time": date}
                files.append({**about, "hashes": digests})
        return json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()

    def _send(self, request: BaseHTTPRequestHandler, data: bytes, kind: str) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
