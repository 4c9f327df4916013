"""Verifies a Postrider webhook with the standard library alone.

    python3 verify.py <scheme> <secret> <header-value> [id timestamp] < body

Exit status: 0 genuine, 1 not genuine, 2 wrong usage.
In every function body is the bytes as received: request.get_data() in Flask,
request.body in Django, await request.body() in FastAPI.
"""

import base64
import binascii
import hashlib
import hmac
import re
import sys
import time

TOLERANCE_SECONDS = 5 * 60


def verify_sequr(secret: str, signature: str, body: bytes) -> bool:
    """signature: the value of X-Sequr-Signature."""
    want = "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return equal(signature, want)


def verify_genlogs(secret: str, signature: str, body: bytes) -> bool:
    """signature: the value of X-GenLogs-Signature, with or without sha512=."""
    want = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return equal(signature.removeprefix("sha512="), want)


def verify_standard(secret: str, signatures: str, id: str, timestamp: str, body: bytes) -> bool:
    """signatures: the value of webhook-signature, which may hold several;
    id and timestamp: the values of webhook-id and webhook-timestamp."""
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return False
    digest = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    want = "v1," + base64.b64encode(digest).decode()
    return any(equal(signature, want) for signature in signatures.split(" "))


def equal(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "surrogateescape"), b.encode())


def main(args: list[str]) -> int:
    schemes = {
        "sequr": (verify_sequr, 2),
        "genlogs": (verify_genlogs, 2),
        "standard": (verify_standard, 4),
    }
    verify, count = schemes.get(args[0] if args else "", (None, 0))
    if verify is None or len(args) - 1 != count:
        print("usage: verify sequr|genlogs|standard <secret> <header-value> [id timestamp] < body", file=sys.stderr)
        return 2
    genuine = verify(*args[1:], sys.stdin.buffer.read())
    print("genuine" if genuine else "not genuine")
    return 0 if genuine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
