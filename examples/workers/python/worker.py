#!/usr/bin/env python3
"""A worker in Python, without a library: counts the words of its input, in "seconds" if it says so.
NATS_URL, NATS_TOKEN and WRIT_WORKER say where and under which name it takes work."""
import base64, json, os, re, socket, time, urllib.parse, uuid
NAME = os.environ.get("WRIT_WORKER", "words-python")
NEXT = f"$JS.API.CONSUMER.MSG.NEXT.WRIT_WORKERS.worker-{NAME}"
INBOX = f"_INBOX.python.{uuid.uuid4().hex}"
WHERE = urllib.parse.urlparse(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
HELLO = {"verbose": False, "name": NAME, "auth_token": os.environ.get("NATS_TOKEN")}

def connect():
    global wire, rest
    while True:
        time.sleep(0.5)  # not all the time, when it is cut off
        try:
            wire, rest = socket.create_connection((WHERE.hostname, WHERE.port), timeout=5), b""
            return wire.sendall(f"CONNECT {json.dumps(HELLO)}\r\nSUB {INBOX}.> 1\r\n".encode())
        except OSError:
            pass

def publish(subject, body, reply=""):
    try:
        wire.sendall(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")
    except OSError:
        connect()

def receive(seconds):
    """The next message as (subject, reply, body); None when none came, or it was cut off."""
    global rest
    wire.settimeout(seconds)
    try:
        while True:
            line, end, after = rest.partition(b"\r\n")
            words = line.decode().split() if end else [""]
            if end and words[0] != "MSG":
                rest = after
                if words[0] == "PING":
                    wire.sendall(b"PONG\r\n")
            elif end and len(after) >= (size := int(words[-1])) + 2:
                rest = after[size + 2 :]
                return words[1], words[3] if len(words) == 5 else "", after[:size]
            elif piece := wire.recv(65536):
                rest += piece
            else:
                return connect()
    except OSError as error:
        return None if isinstance(error, TimeoutError) else connect()

def say(work, times, **said):
    """Until it is answered, so often at most. True when it is answered with ok."""
    said.update(token=work["token"], worker=work["worker"])
    for _ in range(times):
        publish(work["replyTo"], json.dumps(said).encode(), inbox := f"{INBOX}.{uuid.uuid4().hex}")
        while message := receive(3):
            answer = json.loads(message[2] or b"{}") if message[0] == inbox else {}
            if "ok" in answer:
                return answer["ok"]

def carry_out(work):
    text = json.dumps(work["input"], ensure_ascii=False)
    seconds = re.search(r'"seconds": (\d+)', text)
    until = time.monotonic() + int(seconds[1] if seconds else 0)
    while time.monotonic() < until:
        if not say(work, 20, kind="heartbeat"):
            return  # it is cancelled
        time.sleep(0.2)
    made = base64.b64encode(b"%d\n" % len(re.findall(r"\w+", text))).decode()
    say(work, 20, kind="result", outcome="success", artifacts=[{"path": "words", "content": made}])

connect()
while True:
    publish(NEXT, b'{"batch":1,"expires":4000000000}', f"{INBOX}.next")
    message = receive(5)
    if message and message[2].startswith(b"{"):
        work = {**json.loads(message[2]), "worker": uuid.uuid4().hex}
        mine = work["protocol"] == 1 and say(work, 2, kind="accepted")
        work["protocol"] == 1 or say(work, 2, kind="refused", reason="it speaks protocol 1")
        publish(message[1], b"+ACK")
        mine and carry_out(work)
