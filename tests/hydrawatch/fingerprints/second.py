"""The fingerprints once more, written from docs/fingerprints.md alone: plain, slow, no regular expression."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import math
import re
import unicodedata
from collections.abc import Iterator

from tests.places import ROOT

PAGE = (ROOT / "docs" / "fingerprints.md").read_text(encoding="utf-8")
VERSION = b"hydrawatch-fingerprint-1"
QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」", "『": "』"}
DIGITS = set("0123456789") | {chr(c) for c in range(0x660, 0x66A)}
MARKS = "-*•#>"
RANGES = (
    *((0xE00, 0xE7F), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)),
    *((0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
)


def words_under(heading: str) -> list[str]:
    """The words of the fenced block under a heading of section 7."""
    return PAGE.split(f"### {heading}")[1].split("```")[1].split()


LEVELS = {
    word: level
    for level, heading in (
        (8, "Words of level 8 (said)"),
        (4, "Words of level 4 (often)"),
        (1, "Words of level 1 (small)"),
    )
    for word in words_under(heading)
}
UNSPACED = sorted(words_under("Unspaced words among them"), key=len, reverse=True)


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).digest()


def key(secret: bytes, epoch: int, purpose: str) -> bytes:
    return hmac_sha256(secret, b"\0".join((VERSION, str(epoch).encode(), purpose.encode())))


def digest(secret: bytes, epoch: int, kind: str, value: str) -> str:
    name = key(secret, epoch, "name").hex()[:4]
    return f"k{epoch}:{name}{hmac_sha256(key(secret, epoch, 'digest/' + kind), octets(value)).hex()[:32]}"


def ip_prefix(address: str) -> str | None:
    host = address.strip().strip('"').strip()
    if len(address) > 64:
        return None
    if host[:1] == "[":
        host = host[1:].split("]")[0]
    elif host.count(":") == 1:
        host = host.split(":")[0]
    try:
        found = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    if found.is_unspecified:
        return None
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def cut(text: str) -> str:
    return text[:4096] + "\n" + text[-4096:] if len(text) > 8192 else text


def fold(text: str) -> str:
    text = cut(text)
    if all(ord(c) < 128 for c in text):
        return text.lower()
    text = cut(unicodedata.normalize("NFKC", text)).lower()
    for many, one in (("’‘", "'"), ("„", '"'), ("。।", "."), ("、،", ","), ("؛", ";"), ("؟", "?")):
        for character in many:
            text = text.replace(character, one)
    return text


def is_word(c: str) -> bool:
    return c == "_" or unicodedata.category(c)[0] in "LN"


def run(text: str, at: int, takes: object, most: int = 10**9) -> int:
    """How many characters from a place on are taken."""
    count = 0
    while count < most and at + count < len(text) and takes(text[at + count]):  # type: ignore[operator]
        count += 1
    return count


def closed(text: str, at: int, closing: str, barred: str, most: int, least: int = 1) -> int:
    """Where the closing mark ends, if `least` to `most` characters, none barred, lie before it; else 0."""
    count = run(text, at, lambda c: c not in barred, most)
    return (
        at + count + len(closing) if count >= least and text.startswith(closing, at + count) else 0
    )


def filling(t: str, i: int) -> int:
    """Where the filling that begins at a place ends; 0 if none begins there."""
    c, before = t[i], i > 0 and is_word(t[i - 1])
    if c in DIGITS:
        j = i + run(t, i, lambda x: x in DIGITS or x in ".,:/%-")
        return j + run(t, j, is_word)
    if c in QUOTES:
        return closed(t, i + 1, QUOTES[c], QUOTES[c] + "\n", 400)
    if c == "'" and not before:
        end = closed(t, i + 1, "'", "'\n", 400)
        inside = t[i + 1 : end - 1]
        good = end and not inside[0].isspace() and not inside[-1].isspace()
        return end if good and not (end < len(t) and is_word(t[end])) else 0
    if t.startswith((c * 3,), i) and c in "`~":
        found = t.find(c * 3, i + 3)
        return len(t) if found < 0 else found + 3
    if c == "`":
        doubled = closed(t, i + 2, "''", "`'\n", 400) if t.startswith("``", i) else 0
        return doubled or closed(t, i + 1, "`", "`\n", 400)
    if c == "{":
        j = i + 2 if t.startswith("{{", i) else i + 1
        end = closed(t, j, "}", "{}\n", 80)
        return end + 1 if end and t.startswith("}", end) else end
    if c == "<":
        j = i + 2 if t[i + 1 : i + 2] in ("/", "!") else i + 1
        return closed(t, j + 1, ">", "<>\n", 80, 0) if "a" <= t[j : j + 1] <= "z" else 0
    if c == "[":
        count = run(t, i + 1, lambda x: is_word(x) or x in " .-", 40)
        return i + count + 2 if count and t.startswith("]", i + 1 + count) else 0
    for start in ("http://", "https://", "www."):
        if t.startswith(start, i) and not before:
            count = run(t, i + len(start), lambda x: not x.isspace())
            return i + len(start) + count if count else 0
    return 0


def without_mail(t: str) -> str:
    done, at = "", 0
    while (found := t.find("@", at)) >= 0:
        left = found
        while left > at and found - left < 64 and (is_word(t[left - 1]) or t[left - 1] in ".+-"):
            left -= 1
        behind = run(t, found + 1, lambda c: is_word(c) or c in ".-", 128)
        if left < found and behind:
            done, at = done + t[at:left] + "_", found + 1 + behind
        else:
            done, at = done + t[at : found + 1], found + 1
    return done + t[at:]


def mask(text: str) -> str:
    t, done, i = without_mail(fold(text)), "", 0
    while i < len(t):
        end = filling(t, i)
        done, i = (done + "_", end) if end else (done + t[i], i + 1)
    return done


def is_unspaced(c: str) -> bool:
    return any(low <= ord(c) <= high for low, high in RANGES)


def is_letter(c: str) -> bool:
    return is_word(c) and unicodedata.category(c) != "Nd" and c != "_" and not is_unspaced(c)


def tokens(masked: str) -> Iterator[str]:
    t, i = "\n" + masked, 0
    while i < len(t):
        token = ""
        if is_letter(t[i]):
            j = i + run(t, i, is_letter)
            while t[j : j + 1] in ("'", "-") and j + 1 < len(t) and is_letter(t[j + 1]):
                j += 1 + run(t, j + 1, is_letter)
            token = t[i:j]
        elif t[i] in ".?!:;,":
            token = t[i]
        elif t[i] == "\n":
            at = 2 if t[i + 1 : i + 2] == " " else 1
            marked = at if t[i + at : i + at + 1] in set(MARKS) else 0
            token = t[i : i + 1 + marked]
        elif t[i] == "_":
            token = "_" * run(t, i, lambda c: c == "_")
        elif is_unspaced(t[i]):
            token = next((word for word in UNSPACED if t.startswith(word, i)), t[i])
        if token:
            yield token
        i += len(token) or 1


def shingles(all_tokens: list[str], levels: dict[str, int]) -> dict[str, int]:
    segments: list[tuple[list[str], str, bool]] = []
    current: list[str] = []
    marked = False
    for token in [*all_tokens, "\n"]:
        if token[0] in ".?!:;,\n":
            if current:
                segments.append((current, token, marked))
            current, marked = [], len(token) > 1
        else:
            current.append(token)
    scores = []
    for order, (words, end, entry) in enumerate(segments):
        score = 1000 * sum(levels.get(word, 0) for word in words) // (len(words) + 4)
        score = score * 13 // 10 if end == "?" else score
        score = score * 7 // 10 if entry else score
        score = score * 12 // 10 if order == 0 else score
        scores.append(score * 15 // 10 if order == len(segments) - 1 else score)
    found: dict[str, int] = {}
    for order, (words, end, _) in enumerate(segments):
        s = 1024 * scores[order] // max(scores) if max(scores) else 0
        q = s * s // 1024
        f = q * q // 1024
        w = f * f // 1024
        if w < 51:
            continue
        place = "first " * (order == 0) + "last " * (order == len(segments) - 1)
        known = [word for word in words if levels.get(word, 0)]
        chain = [f"{place}^", *known]
        parts = [1, *(2 if levels[word] >= 4 else 1 for word in known)]
        if end != ",":
            chain, parts = [*chain, "." if end[0] == "\n" else end], [*parts, 1]
        made = [
            (f"{chain[i]} {chain[i + 1]}", (parts[i] + parts[i + 1]) * w)
            for i in range(len(chain) - 1)
            if 2 in parts[i : i + 2]
        ]
        stems = [word for word in known if levels[word] >= 4]
        made += [(f"{a} .. {b}", 2 * w) for a, b in zip([f"{place}^", *stems], stems, strict=False)]
        if stems:
            made.append((f"{place}= {' '.join(stems)}", math.isqrt(36 * len(stems) * w * w)))
        for name, weight in made:
            found[name] = max(found.get(name, 0), weight)
    return found


def template_fp(secret: bytes, epoch: int, text: str) -> str | None:
    found = list(tokens(mask(text)))
    weights = shingles(found, LEVELS)
    if not weights:
        weights = shingles(found, {t: 4 for t in found if unicodedata.category(t[0])[0] == "L"})
    if not weights:
        return None
    weights.update({f"mark {t[-1]}": 512 for t in found if t[0] == "\n" and len(t) > 1})
    own, sums = key(secret, epoch, "template"), [0] * 64
    for name, weight in weights.items():
        hashed = int.from_bytes(
            hashlib.blake2b(octets(name), digest_size=8, key=own).digest(), "big"
        )
        for i in range(64):
            sums[i] += weight if hashed >> (63 - i) & 1 else -weight
    return f"{int(''.join('1' if s > 0 else '0' for s in sums), 2):016x}"


def prompt_sketch(secret: bytes, epoch: int, text: str) -> str | None:
    raw = octets(" ".join(fold(text).split()))
    if not raw:
        return None
    own = key(secret, epoch, "sketch")
    a, b, c = (int.from_bytes(own[i : i + 8], "little") for i in (0, 8, 16))
    sums = [0] * 32
    for i in range(max(1, len(raw) - 5)):
        m = (int.from_bytes(raw[i : i + 6], "little") + a) * (b | 1) % 2**64
        m = (m ^ (m >> 32)) * (c | 1) % 2**64
        for place in range(32):
            sums[place] += 1 if m >> (63 - place) & 1 else -1
    g = max(1, *(abs(v) for v in sums))
    scaled = [(1 if v > 0 else -1) * ((254 * abs(v) + g) // (2 * g)) for v in sums]
    return base64.b64encode(bytes(v % 256 for v in scaled)).decode()


def vectors() -> list[str]:
    """The lines of JSON in the page."""
    return re.split(r"```jsonl\n", PAGE)[1].split("\n```")[0].splitlines()
