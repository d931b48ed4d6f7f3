"""A program that stands in for mongod: its options, its access control, its users and a few of its commands.

It reads and writes BSON with the driver's own package, and checks a login as SCRAM-SHA-256 (RFC 7677) says. What it
keeps lies in one file of its data directory; `FAKE_MONGOD` in its environment makes it misbehave:

    refuse  answers the creation of users with an error
    drop    closes the connection instead of an answer
    exit    ends with exit code 14 when it is stopped
"""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import socketserver
import struct
import sys
import threading

import bson

FLAGS = {"--nounixsocket", "--auth", "--noauth", "--ipv6"}
VALUES = {"--dbpath", "--bind_ip", "--port", "--keyFile", "--unixSocketPrefix", "--replSet", "--storageEngine"}
VALUES |= {"--wiredTigerCacheSizeGB"}
FREE = {"hello", "ping", "buildInfo", "saslStart", "saslContinue"}  # what a stranger may ask
PAGE = b"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nIt looks like HTTP.\n"
ROUNDS = 4096


class CommandError(Exception):
    def __init__(self, code, name, text):
        super().__init__(text)
        self.answer = {"ok": 0.0, "errmsg": text, "code": code, "codeName": name}


def end(code, text, *, is_log=False):
    """End as mongod does: what is wrong with its options is plain text, the rest a line of its log."""
    line = {"s": "E", "c": "CONTROL", "msg": "DBException in initAndListen, terminating", "attr": {"error": text}}
    print(json.dumps(line) if is_log else text, flush=True)
    if is_log:
        for word in ("Shutting down", "Closing", "Closed", "Bye", "Now exiting"):
            print(json.dumps({"s": "I", "msg": word, "attr": {}}), flush=True)
    os._exit(code)


def options(words):
    """The options, each but --setParameter at most once."""
    found, parameters = {}, {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word in found:
            end(2, f"Error parsing command line: option '{word}' cannot be specified more than once")
        if word == "--setParameter":
            name, _, value = queue.pop(0).partition("=")
            if name in parameters:
                end(2, f"Error parsing command line: duplicate parameter {name}")
            parameters[name] = value
        elif word in FLAGS:
            found[word] = ""
        elif word in VALUES:
            found[word] = queue.pop(0)
        else:
            end(2, f"Error parsing command line: unrecognised option '{word}'")
    if unknown := parameters.keys() - {"diagnosticDataCollectionEnabled", "enableLocalhostAuthBypass"}:
        end(2, f"BadValue: Unknown --setParameter '{min(unknown)}'")
    return found, parameters


class Data:
    """What it keeps, and who may see it."""

    def __init__(self, given, parameters):
        self.path = os.path.join(given["--dbpath"], "WiredTiger")
        self.lock = threading.Lock()
        self.is_guarded = "--auth" in given or "--keyFile" in given
        self.has_exception = parameters.get("enableLocalhostAuthBypass", "true") in ("true", "1")
        self.users, self.documents = {}, {}
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                kept = bson.decode(file.read())
            self.users, self.documents = kept["users"], kept["documents"]

    def save(self):
        with open(self.path + ".new", "wb") as file:
            file.write(bson.encode({"users": self.users, "documents": self.documents}))
        os.replace(self.path + ".new", self.path)


class Login:
    """One conversation of a client that logs in."""

    def __init__(self, data, first, database):
        self.bare = first.partition(",,")[2]
        words = dict(part.split("=", 1) for part in self.bare.split(","))
        self.user = data.users.get(f"{database}.{words['n']}")
        if self.user is None:
            raise CommandError(18, "AuthenticationFailed", "Authentication failed.")
        salt = base64.b64encode(self.user["salt"]).decode()
        self.nonce = words["r"] + os.urandom(18).hex()
        self.challenge = f"r={self.nonce},s={salt},i={ROUNDS}"

    def prove(self, final):
        bare, _, proof = final.rpartition(",p=")
        text = f"{self.bare},{self.challenge},{bare}".encode()
        stored = hashlib.sha256(self.user["key"]).digest()
        signature = hmac.digest(stored, text, "sha256")
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if bare != f"c=biws,r={self.nonce}" or hashlib.sha256(key).digest() != stored:
            raise CommandError(18, "AuthenticationFailed", "Authentication failed.")
        return "v=" + base64.b64encode(hmac.digest(self.user["server"], text, "sha256")).decode()


class Session(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self):
        self.is_in, self.login = False, None
        with_data = self.server.data
        head = self.request.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL)
        if head == b"GET ":
            self.request.recv(4096)
            self.request.sendall(PAGE)
            return
        while len(header := self.request.recv(16, socket.MSG_WAITALL)) == 16:
            length, number, _, kind = struct.unpack("<iiii", header)
            body = self.request.recv(length - 16, socket.MSG_WAITALL)
            assert kind == 2013, kind
            command = read_message(body)
            with with_data.lock:
                try:
                    answer = {**self.answer(command), "ok": 1.0}
                except CommandError as failed:
                    answer = failed.answer
            if os.environ.get("FAKE_MONGOD") == "drop":
                return
            content = bytes(5) + bson.encode(answer)
            self.request.sendall(struct.pack("<iiii", 16 + len(content), 1, number, 2013) + content)

    def answer(self, command):
        name, database = next(iter(command)), command["$db"]
        data = self.server.data
        is_excepted = name == "createUser" and not data.users and data.has_exception
        if data.is_guarded and not self.is_in and name not in FREE and not is_excepted:
            raise CommandError(13, "Unauthorized", f"command {name} requires authentication")
        method = getattr(self, "do_" + re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name), None)
        if method is None:
            raise CommandError(59, "CommandNotFound", f"no such command: '{name}'")
        answer = method(command, database)
        data.save()
        return answer

    def do_ping(self, command, database):
        return {}

    def do_hello(self, command, database):
        sizes = {"maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000}
        known = {"saslSupportedMechs": ["SCRAM-SHA-256"]} if "saslSupportedMechs" in command else {}
        return {"helloOk": True, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 21, **sizes, **known}

    def do_end_sessions(self, command, database):
        return {}

    def do_users_info(self, command, database):
        known = self.server.data.users
        is_there = f"{database}.{command['usersInfo']}" in known
        shown = {"_id": "", "userId": bson.Binary(bytes(16), 4), "db": database, "roles": [], "at": bson.Int64(1)}
        return {"users": [shown] if is_there else []}

    def do_create_user(self, command, database):
        name = f"{database}.{command['createUser']}"
        if os.environ.get("FAKE_MONGOD") == "refuse":
            raise CommandError(20, "IllegalOperation", "no users today")
        if name in self.server.data.users:
            raise CommandError(51003, "Location51003", f'User "{name}" already exists')
        return self.keep_user(name, command)

    def do_update_user(self, command, database):
        name = f"{database}.{command['updateUser']}"
        if name not in self.server.data.users:
            raise CommandError(11, "UserNotFound", f"User {name} not found")
        return self.keep_user(name, command)

    def keep_user(self, name, command):
        assert command["roles"] == [{"role": "root", "db": "admin"}]
        salt = os.urandom(28)
        salted = hashlib.pbkdf2_hmac("sha256", command["pwd"].encode(), salt, ROUNDS)
        key, server = (hmac.digest(salted, word, "sha256") for word in (b"Client Key", b"Server Key"))
        self.server.data.users[name] = {"salt": salt, "key": key, "server": server}
        return {}

    def do_sasl_start(self, command, database):
        assert command["mechanism"] == "SCRAM-SHA-256"
        self.login = Login(self.server.data, command["payload"].decode(), database)
        return {"conversationId": 1, "done": False, "payload": self.login.challenge.encode()}

    def do_sasl_continue(self, command, database):
        if self.login is None:
            raise CommandError(17, "ProtocolError", "No SASL session state found")
        if self.is_in:  # the empty exchange that clients end with
            return {"conversationId": 1, "done": True, "payload": b""}
        login, self.login = self.login, None
        text = login.prove(command["payload"].decode())
        self.login, self.is_in = login, True
        return {"conversationId": 1, "done": False, "payload": text.encode()}

    def do_insert(self, command, database):
        self.server.data.documents.setdefault(f"{database}.{command['insert']}", []).extend(command["documents"])
        return {"n": len(command["documents"])}

    def do_find(self, command, database):
        name = f"{database}.{command['find']}"
        found = self.server.data.documents.get(name, [])
        return {"cursor": {"id": bson.Int64(0), "ns": name, "firstBatch": found}}

    def do_count(self, command, database):
        return {"n": len(self.server.data.documents.get(f"{database}.{command['count']}", []))}


def read_message(body):
    """The command of an OP_MSG: its document, with the sequences of documents that drivers put behind it."""
    at, command = 4, {}
    end_at = len(body) - (4 if body[0] & 1 else 0)
    while at < end_at:
        kind, size = body[at], struct.unpack_from("<i", body, at + 1)[0]
        section = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            name, _, rest = section[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(rest)
        at += 1 + size
    return command


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def listeners(given):
    """The servers at the addresses of --bind_ip, and the socket that mongod makes unless it is told not to."""
    places = given.get("--bind_ip", "127.0.0.1").split(",")
    port = int(given.get("--port", "27017"))
    if "--nounixsocket" not in given:
        places.append(os.path.join(given.get("--unixSocketPrefix", "/tmp"), f"mongodb-{port}.sock"))
    for place in places:
        if "/" in place:
            if os.path.lexists(place):
                os.unlink(place)
            server = Unix(place, Session)
            os.chmod(place, 0o700)
        else:
            server = Tcp((place, port), Session)
        print(json.dumps({"s": "I", "msg": "Listening on", "attr": {"address": place}}), flush=True)
        yield server, place


def main(words):
    if words == ["--version"]:
        print("db version v7.0.99\nBuild Info: {}")
        return
    given, parameters = options(words)
    lock = os.open(os.path.join(given["--dbpath"], "mongod.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        end(100, "DBPathInUse: Unable to lock the lock file: mongod.lock", is_log=True)
    if "--replSet" in given and "--auth" in given and "--keyFile" not in given:
        end(2, "BadValue: security.keyFile is required when authorization is enabled with replica sets")
    if (key := given.get("--keyFile")) is not None:
        with open(key, encoding="ascii") as file:
            text = "".join(file.read().split())
        if os.stat(key).st_mode & 0o077 or not 6 <= len(text) <= 1024:
            end(1, f"permissions on {key} are too open, or it has a bad length", is_log=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    data = Data(given, parameters)
    opened = list(listeners(given))
    for server, _place in opened:
        server.data = data
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM})
    with data.lock:
        data.save()
    for _server, place in opened:
        if "/" in place:
            os.unlink(place)
    os._exit(14 if os.environ.get("FAKE_MONGOD") == "exit" else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
