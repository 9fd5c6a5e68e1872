#!/usr/bin/env python3
"""Writes the vectors in this directory, from the specifications alone.

Uses Python's hashlib, the recursive definitions of RFC 6962 section 2.1, and the openssl command for Ed25519. It shares no
code with the packages that are tested against it. Run without arguments; the output is the same on every run.
"""
import base64, hashlib, json, os, subprocess, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if len(d) == 0:
        return sha()
    if len(d) == 1:
        return sha(b"\0", d[0])
    k = split(len(d))
    return sha(b"\1", mth(d[:k]), mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, b):
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], b) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


def consistency(m, d):
    return [] if m == 0 else subproof(m, d, True)


def flip(h):
    return bytes([h[0] ^ 1]) + h[1:]


def b64(b):
    return base64.b64encode(b).decode()


def sign(seed, message):
    """Ed25519 by openssl: the key is the PKCS #8 of RFC 8410 section 7."""
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    with tempfile.TemporaryDirectory() as d:
        key, data, out = (os.path.join(d, n) for n in ("key", "data", "out"))
        open(key, "wb").write(der)
        open(data, "wb").write(message)
        args = ["-inkey", key, "-keyform", "DER"]
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-in", data, "-out", out] + args, check=True)
        pub = subprocess.run(["openssl", "pkey", "-in", key, "-inform", "DER", "-pubout", "-outform", "DER"], check=True, capture_output=True)
        return open(out, "rb").read(), pub.stdout[12:]


def key_id(name, kind, pub):
    return sha(name.encode(), b"\n", bytes([kind]), pub)[:4]


def vkey(name, kind, pub):
    return "%s+%s+%s" % (name, key_id(name, kind, pub).hex(), b64(bytes([kind]) + pub))


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=True)
        f.write("\n")


classic = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]


def counter(n):
    return [i.to_bytes(4, "big") for i in range(n)]


write("roots.json", {
    "about": "RFC 6962 section 2.1. classic: root i is over the first i entries (hex). counter: entry i is i in four bytes, big-endian.",
    "classic": {"entries": [e.hex() for e in classic], "roots": [mth(classic[:n]).hex() for n in range(9)]},
    "counter": [{"size": n, "root": mth(counter(n)).hex()} for n in (0, 1, 2, 255, 256, 257, 65535, 65536, 65537, 70000)],
})

inclusion, consist = [], []


def inc(desc, ok, index, size, leaf, proof, root):
    inclusion.append({"desc": desc, "ok": ok, "index": index, "treeSize": size, "leafHash": b64(leaf), "proof": [b64(p) for p in proof], "root": b64(root)})


def con(desc, ok, m, n, old, new, proof):
    consist.append({"desc": desc, "ok": ok, "oldSize": m, "newSize": n, "oldRoot": b64(old), "newRoot": b64(new), "proof": [b64(p) for p in proof]})


for n in (1, 2, 3, 5, 7, 8):
    d = classic[:n]
    root = mth(d)
    for i in range(n):
        leaf, p = sha(b"\0", d[i]), path(i, d)
        inc("leaf %d of %d" % (i, n), True, i, n, leaf, p, root)
        inc("leaf %d of %d, wrong leaf" % (i, n), False, i, n, flip(leaf), p, root)
        inc("leaf %d of %d, wrong root" % (i, n), False, i, n, leaf, p, flip(root))
        inc("leaf %d of %d, root doubled in" % (i, n), False, i, n, leaf, p + [root], root)
        inc("leaf %d of %d, leading garbage" % (i, n), False, i, n, leaf, [sha()] + p, root)
        inc("leaf %d of %d, index one up" % (i, n), False, i + 1, n, leaf, p, root)
        if p:
            inc("leaf %d of %d, last hash missing" % (i, n), False, i, n, leaf, p[:-1], root)
            inc("leaf %d of %d, first hash missing" % (i, n), False, i, n, leaf, p[1:], root)
        if len(p) > 1:
            inc("leaf %d of %d, reversed" % (i, n), False, i, n, leaf, p[::-1], root)
inc("leaf in an empty tree", False, 0, 0, sha(b"\0"), [], sha())
inc("root posing as the leaf of a one-leaf tree of size 8", False, 0, 8, mth(classic), [], mth(classic))

for n in range(0, 9):
    for m in range(0, n + 1):
        old, new, p = mth(classic[:m]), mth(classic[:n]), consistency(m, classic[:n])
        what = "%d to %d" % (m, n)
        con(what, True, m, n, old, new, p)
        con(what + ", trailing garbage", False, m, n, old, new, p + [sha()])
        con(what + ", leading garbage", False, m, n, old, new, [sha()] + p)
        con(what + ", wrong old root", False, m, n, flip(old), new, p)
        if m > 0:
            con(what + ", wrong new root", False, m, n, old, flip(new), p)
        if m < n:
            con(what + ", sizes swapped", False, n, m, new, old, p)
        if p:
            con(what + ", empty proof", False, m, n, old, new, [])
            con(what + ", last hash missing", False, m, n, old, new, p[:-1])
            con(what + ", first hash missing", False, m, n, old, new, p[1:])
        if len(p) > 1:
            con(what + ", reversed", False, m, n, old, new, p[::-1])
write("proofs.json", {"about": "RFC 6962 sections 2.1.1 and 2.1.2 over the classic entries; ok tells whether a verifier must accept.", "inclusion": inclusion, "consistency": consist})

log_seed, witness_seed = sha(b"log seed for tests"), sha(b"witness seed for tests")
log_name, witness_name = "log.example/audit", "witness.example/w1"
text = "%s\n8\n%s\n" % (log_name, b64(mth(classic)))
time = 1679315147
log_sig, log_pub = sign(log_seed, text.encode())
wit_sig, wit_pub = sign(witness_seed, ("cosignature/v1\ntime %d\n%s" % (time, text)).encode())
log_line = "\u2014 %s %s\n" % (log_name, b64(key_id(log_name, 1, log_pub) + log_sig))
wit_line = "\u2014 %s %s\n" % (witness_name, b64(key_id(witness_name, 4, wit_pub) + time.to_bytes(8, "big") + wit_sig))
checkpoint = text + "\n" + log_line + wit_line
proof_lines = "".join(b64(h) + "\n" for h in path(5, classic))
write("signed.json", {
    "about": "A checkpoint over the eight classic entries, signed by a log (0x01) and cosigned by a witness (0x04), with openssl.",
    "log": {"name": log_name, "seed": log_seed.hex(), "vkey": vkey(log_name, 1, log_pub)},
    "witness": {"name": witness_name, "seed": witness_seed.hex(), "vkey": vkey(witness_name, 4, wit_pub), "timestampSeconds": time},
    "text": text,
    "logLine": log_line,
    "witnessLine": wit_line,
    "checkpoint": checkpoint,
    "tlogProof": {"index": 5, "entry": classic[5].hex(), "text": "c2sp.org/tlog-proof@v1\nindex 5\n" + proof_lines + "\n" + checkpoint,
                  "textWithExtra": "c2sp.org/tlog-proof@v1\nextra " + b64(b"opaque") + "\nindex 5\n" + proof_lines + "\n" + checkpoint},
    "addCheckpoint": {"oldSize": 3, "body": "old 3\n" + "".join(b64(h) + "\n" for h in consistency(3, classic)) + "\n" + text + "\n" + log_line},
})

write("note.json", {
    "about": "The example of C2SP signed-note v1.0.0.",
    "vkey": "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "text": "This is an example message.\n",
    "note": "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
})


def index_path(n):
    s = str(n)
    s = s.zfill((len(s) + 2) // 3 * 3)
    g = [s[i:i + 3] for i in range(0, len(s), 3)]
    return "".join("x" + x + "/" for x in g[:-1]) + g[-1]


def tiles(size):
    out, level = [], 0
    while size >> (8 * level):
        count = size >> (8 * level)
        out += [[level, i, 256] for i in range(count // 256)]
        if count % 256:
            out.append([level, count // 256, count % 256])
        level += 1
    return out


paths = [{"level": l, "index": n, "width": w, "path": "tile/%d/%s%s" % (l, index_path(n), "" if w == 256 else ".p/%d" % w),
          "bundlePath": "tile/entries/%s%s" % (index_path(n), "" if w == 256 else ".p/%d" % w)}
         for l in (0, 1, 9, 10, 63) for n in (0, 1, 9, 10, 99, 100, 999, 1000, 1234067, 999999, 1000000, 2**32, 2**53 - 1) for w in (1, 17, 255, 256)]
write("tiles.json", {
    "about": "C2SP tlog-tiles v0.1.0. sizes: all tiles of a tree as [level, index, width].",
    "paths": paths,
    "badPaths": [
        "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1234067", "tile/0/x001", "tile/0/x001/",
        "tile/0/x000/001", "tile/0/x000/x000/000", "tile/0/001/002", "tile/0/001/x002", "tile/0/x01/002", "tile/0/X001/002", "tile/00/001",
        "tile/01/001", "tile/64/001", "tile/99/001", "tile/100/001", "tile/-1/001", "tile/+1/001", "tile/1.0/001", "tile/0x1/001", "tile/ 1/001",
        "tile/0/001.p/0", "tile/0/001.p/00", "tile/0/001.p/01", "tile/0/001.p/256", "tile/0/001.p/300", "tile/0/001.p/1000", "tile/0/001.p/-1",
        "tile/0/001.p/", "tile/0/001.p", "tile/0/001.P/1", "tile/0/001p/1", "tile/0/001/p/1", "tile/0/001.p/1.p/1", "tile/0/001.p/1/", "/tile/0/001",
        "tile/0/001/", "tile//001", "tile/0//001", "tile/0/001 ", " tile/0/001", "tile/0/001\n", "tile/0/001.p/1\n", "tile/0/\u0660\u0660\u0661",
        "tile/0/x009/x007/x199/x254/x740/992", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/data/001", "tile/entries", "tile/entries/", "tile/entries/1",
        "tile/entries/x000/001", "tile/entries/001.p/256", "tile/entries/0/001", "../tile/0/001", "tile/0/../001", "tile/0/001?x", "tile/8/0/001"],
    "sizes": [{"size": n, "tiles": tiles(n)} for n in (0, 1, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000)],
})
