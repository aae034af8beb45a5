#!/usr/bin/env python3
"""A worker in Python, without a library: counts the words of its input, in "seconds" if it says so.
NATS_URL, NATS_TOKEN and WRIT_WORKER say where and under which name it takes work."""
import base64, json, os, socket, threading, time, uuid
from urllib.parse import urlparse

NAME = os.environ.get("WRIT_WORKER", "words-python")
NEXT = f"$JS.API.CONSUMER.MSG.NEXT.WRIT_WORKERS.worker-{NAME}"
INBOX = f"_INBOX.python.{uuid.uuid4().hex}"


class Nats:
    """As much of the protocol of NATS as a worker needs. Connects again when it is cut off."""

    def __init__(self):
        self.connect()

    def connect(self):
        where = urlparse(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
        while True:
            try:
                self.socket = socket.create_connection((where.hostname, where.port), timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        self.rest = b""
        hello = {"verbose": False, "name": NAME, "auth_token": os.environ.get("NATS_TOKEN")}
        self.send(f"CONNECT {json.dumps(hello)}\r\nSUB {INBOX}.> 1\r\n".encode())

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # the next reading notices

    def publish(self, subject, body, reply=""):
        self.send(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")

    def until(self, enough):
        while (end := enough()) < 0:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("cut off")
            self.rest += piece
        taken, self.rest = self.rest[:end], self.rest[end:]
        return taken

    def receive(self, seconds):
        """(subject, reply, body) of the next message, or None."""
        self.socket.settimeout(seconds)
        try:
            while True:
                line = self.until(lambda: self.rest.find(b"\r\n") + 2 or -1 if b"\r\n" in self.rest else -1)
                words = line.decode().split()
                if words[0] == "PING":
                    self.send(b"PONG\r\n")
                elif words[0] == "MSG":
                    size = int(words[-1]) + 2
                    body = self.until(lambda: size if len(self.rest) >= size else -1)[:-2]
                    return words[1], words[3] if len(words) == 5 else "", body
        except TimeoutError:
            return None
        except OSError:
            self.connect()
            return None


def say(nats, work, worker, times, **said):
    """Until it is answered, so often at most. True when it is answered with ok."""
    body = json.dumps({"token": work["token"], "worker": worker, **said}).encode()
    for _ in range(times):
        inbox = f"{INBOX}.{uuid.uuid4().hex}"
        nats.publish(work["replyTo"], body, inbox)
        while message := nats.receive(3):
            answer = json.loads(message[2] or b"{}") if message[0] == inbox else {}
            if "ok" in answer:
                return answer["ok"]
    return False
