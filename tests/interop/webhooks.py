"""Receivers of another ecosystem against a running server: the libraries of Standard Webhooks for Python and JavaScript.

Usage: webhooks.py URL ADMIN_KEY. `scripts/interop` installs what it needs, starts a server that may call this machine,
and runs it. Node finds its library by NODE_PATH.
"""

import base64
import contextlib
import datetime
import http.server
import json
import pathlib
import queue
import subprocess
import sys
import threading
import time

import requests
import standardwebhooks.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

# A delivery comes within milliseconds; this is for a machine that has much else to do.
PATIENCE = 30
# How long a replaced secret stays in use. Long enough that a delivery comes within it, short enough to wait for its end.
OVERLAP = 4
NODE = pathlib.Path(__file__).with_name("webhooks.cjs")

TOO_OLD = "Message timestamp too old"
NO_MATCH = "No matching signature found"

checks = 0


def check(what, holds):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what it is called with, header by header and byte by byte."""

    protocol_version = "HTTP/1.1"
    deliveries = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        self.send_response(204)
        self.end_headers()
        self.deliveries.put((self.path, headers, body))

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def ask(method, url, key, body, status):
    answer = requests.request(method, url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    if answer.status_code != status:
        sys.exit(f"FAILED: {method} {url} answered {answer.status_code}: {answer.text}")
    return answer.json()


def delivery_of_a_link(url, key, path):
    """Makes a link, and waits for the call that tells of it."""
    link = ask("POST", f"{url}/v1/links", key, {"destination": "https://example.com/ä?b=1"}, 201)
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            called, headers, body = Receiver.deliveries.get(timeout=max(0.0, ends - time.monotonic()))
        except queue.Empty:
            sys.exit(f"FAILED: no delivery of {link['id']} within {PATIENCE} s")
        # A delivery may come twice, and other endpoints are told too.
        if called == path and link["id"].encode() in body:
            return link, headers, body


def by_python(secret, headers, body, ahead):
    """What Python's library says, on a clock that is so many seconds ahead: None is that it believes."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + datetime.timedelta(seconds=ahead)

    standardwebhooks.webhooks.datetime = Clock
    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError as refusal:
        return str(refusal)
    finally:
        standardwebhooks.webhooks.datetime = datetime.datetime
    return None


def by_javascript(secret, headers, body, ahead):
    """The same from JavaScript's."""
    asked = {
        "secret": secret,
        "headers": dict(headers),
        "body": base64.b64encode(body).decode(),
        "ahead": ahead,
    }
    done = subprocess.run(
        ["node", str(NODE)], input=json.dumps(asked), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode != 0:
        sys.exit(f"FAILED: node: {done.stderr}")
    return json.loads(done.stdout)["refusal"]


def verdicts(what, secret, headers, body, expected, ahead=0):
    for name, library in [("Python", by_python), ("JavaScript", by_javascript)]:
        said = library(secret, headers, body, ahead)
        check(f"{name}: {what}" + ("" if said == expected else f" (it said {said!r})"), said == expected)


def walk(url, key, at):
    """One endpoint and its secrets, from the first to the third."""
    body = {"url": f"{at}/walk", "events": ["link.created"], "description": "interoperability"}
    endpoint = ask("POST", f"{url}/v1/webhooks", key, body, 201)
    first = endpoint["secret"]
    link, headers, body = delivery_of_a_link(url, key, "/walk")
    names = [name for name, _ in headers]
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"]:
        check(f"the header {name} is there once", names.count(name) == 1)
    check("a delivery tells of the link that was made", json.loads(body)["data"]["link"] == link)
    check("its id is the event's", dict(headers)["webhook-id"] == json.loads(body)["id"])
    verdicts("a delivery is believed", first, headers, body, None)

    changed = bytearray(body)
    changed[body.index(b"example.com")] ^= 1
    verdicts("with one byte of the body changed it is refused", first, headers, bytes(changed), NO_MATCH)
    verdicts("four minutes later it is believed still", first, headers, body, None, ahead=240)
    verdicts("six minutes later it is refused", first, headers, body, TOO_OLD, ahead=360)
    at_signing = int(dict(headers)["webhook-timestamp"])
    earlier = [(name, str(at_signing - 60) if name == "webhook-timestamp" else value) for name, value in headers]
    verdicts("with another timestamp it is refused", first, earlier, body, NO_MATCH)
    other_id = [(name, "evt_other" if name == "webhook-id" else value) for name, value in headers]
    verdicts("under another id it is refused", first, other_id, body, NO_MATCH)

    rotate = f"{url}/v1/webhooks/{endpoint['id']}/secret/rotate"
    begun = time.monotonic()
    second = ask("POST", rotate, key, {"overlap": OVERLAP}, 200)["secret"]
    check("another secret is shown", second.startswith("whsec_") and second != first)
    _, headers, body = delivery_of_a_link(url, key, "/walk")
    check("during the overlap there are two signatures", len(dict(headers)["webhook-signature"].split(" ")) == 2)
    verdicts("during the overlap the new secret is good", second, headers, body, None)
    verdicts("during the overlap the old secret is good", first, headers, body, None)

    time.sleep(max(0.0, begun + OVERLAP + 1 - time.monotonic()))
    _, headers, body = delivery_of_a_link(url, key, "/walk")
    check("after the overlap there is one signature", len(dict(headers)["webhook-signature"].split(" ")) == 1)
    verdicts("after the overlap the new secret is good", second, headers, body, None)
    verdicts("after the overlap the old secret is refused", first, headers, body, NO_MATCH)

    third = ask("POST", rotate, key, {"overlap": 0}, 200)["secret"]
    _, headers, body = delivery_of_a_link(url, key, "/walk")
    verdicts("without an overlap the new secret is good at once", third, headers, body, None)
    verdicts("without an overlap the old secret is refused at once", second, headers, body, NO_MATCH)


def walk_with_public_key(url, key, at):
    """An endpoint that is signed for by Ed25519 too, checked by the keys that the server publishes."""
    body = {"url": f"{at}/public", "events": ["link.*"], "signature": "ed25519", "format": "cloudevents"}
    endpoint = ask("POST", f"{url}/v1/webhooks", key, body, 201)
    _, headers, body = delivery_of_a_link(url, key, "/public")
    headers = dict(headers)
    check("a CloudEvent comes as one", headers["content-type"].startswith("application/cloudevents+json"))
    check("it is of version 1.0", json.loads(body)["specversion"] == "1.0")
    verdicts("a library that knows secrets alone believes it", endpoint["secret"], headers, body, None)
    [signature] = [one[4:] for one in headers["webhook-signature"].split(" ") if one.startswith("v1a,")]
    published = requests.get(f"{url}/.well-known/webhook-keys.json", timeout=30).json()["keys"]

    def is_signed(content):
        for jwk in published:
            text = jwk["standard_webhooks"].removeprefix("whpk_")
            try:
                Ed25519PublicKey.from_public_bytes(base64.b64decode(text)).verify(base64.b64decode(signature), content)
                return True
            except InvalidSignature:
                pass
        return False

    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    check("a published key verifies it", is_signed(content))
    check("and refuses it with one byte changed", not is_signed(content[:-1] + b" "))


def main(url, key):
    with receiver() as at:
        walk(url, key, at)
        walk_with_public_key(url, key, at)
    print(f"{checks} checks passed")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
