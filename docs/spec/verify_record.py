#!/usr/bin/env python3
"""verify_record.py DIR VKEY: verifies a record as record.md describes it.

Needs Python 3.8 and nothing else; trusts no code of Indelible. Exit status 0: sound, 1: not sound, 2: not proven.
Plain, not fast: about 5 ms a signature, and one file at a time in memory."""
import base64, hashlib, json, os, re, sys

def need(condition, message):
    if not condition: raise ValueError(message)
def attempt(function, *arguments):
    try: return function(*arguments)
    except Exception: return None
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def unbase64(text):
    need(base64.b64encode(base64.b64decode(text)).decode() == text, "base64 has one spelling"); return base64.b64decode(text)

# Ed25519 (RFC 8032 section 5.1) on points (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z.
P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
def add(a, b):
    e, f, g, h = (a[1]-a[0])*(b[1]-b[0]), (a[1]+a[0])*(b[1]+b[0]), 2*a[3]*b[3]*D, 2*a[2]*b[2]
    return tuple(n % P for n in ((f-e)*(h-g), (h+g)*(f+e), (h-g)*(h+g), (f-e)*(f+e)))
def times(n, a):
    b = (0, 1, 1, 0)
    for bit in bin(n)[2:]: b = add(add(b, b), a) if bit == "1" else add(b, b)
    return b
def point(data):
    y, odd = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    xx = (y*y - 1) * pow(D*y*y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x*x % P != xx: x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and x*x % P == xx and (x or not odd), "not a point"); x = x if x % 2 == odd else P - x
    return (x, y, 1, x*y % P)
def verify(vkey, message, signature):
    public, s = key_bytes(vkey), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    a, b = times(s, point(bytes([88]) + bytes([102]) * 31)), add(point(signature[:32]), times(h, point(public)))
    same = (a[0]*b[2] - b[0]*a[2]) % P == (a[1]*b[2] - b[1]*a[2]) % P == 0
    need(len(signature) == 64 and s < Q and same, "a signature does not hold")

def key_bytes(vkey):  # C2SP verifier key
    name, key_id, text = vkey.split("+", 2); raw = unbase64(text)
    need(len(raw) == 33 and raw[0] == 1 and sha(name.encode(), b"\n", raw)[:4].hex() == key_id, "malformed key")
    return raw[1:]
def exact(line, fields):  # section 3: exactly these fields, in this order and spelling
    value = json.loads(line.decode())
    spelt = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    need(list(value) == [f for f in fields.split() if f in value] and spelt == line, "not in its exact spelling"); return value
def open_header(data):  # section 4
    line = data[:data.index(b"\n")]; unsigned = line[:line.rindex(b',"sig":"')]
    header = exact(line, "indelible v origin segment log key time size edge prev seal sig")
    need(header["indelible"] == "segment" and header["v"] == 1 and header["key"].split("+")[0] == header["origin"], "no header")
    verify(header["key"], b"indelible/segment/v1\n" + unsigned, unbase64(header["sig"])); return header
def open_seal(line, keys):  # section 5; returns the seal, its tree size and root
    seal = exact(line, "indelible offset length first note")
    form = r"([^\n]+)\n(0|[1-9]\d{0,15})\n([^\n]{44})\n\n— ([^ \n]+) ([^ \n]+)\n"
    origin, size, root, name, signature = re.fullmatch(form, seal["note"]).groups(); raw = unbase64(signature)
    key = [k for k in keys if k.startswith(f"{name}+{raw[:4].hex()}+")][0]
    verify(key, (seal["note"].split("\n\n")[0] + "\n").encode(), raw[4:])
    need(seal["indelible"] == "seal" and origin == name, "no seal"); return seal, int(size), unbase64(root)
def key_change(entry, vkey):  # section 7; returns the key to which the entry hands over
    event = json.loads(entry.decode()); details, name = event["details"], vkey.split("+")[0]
    need(event["event"] == "key_changed" and details["from"] == vkey and details["to"].split("+")[0] == name, "no change of key")
    text = f"indelible/key-change/v1\n{name}\n{vkey}\n{details['to']}\n{event['timestamp']}\n".encode()
    for side in "from", "to": verify(details[side], text, unbase64(details[side + "Sig"]))
    return details["to"]

class Record:
    def __init__(self): self.size, self.edge, self.note, self.last, self.sealed, self.unknown = 0, [], None, b"", {}, False
    def add(self, entry):  # RFC 6962 section 2.1; edge: the maximal complete subtrees, largest first
        node, rest = sha(b"\0", entry), self.size
        while rest % 2: node, rest = sha(b"\1", self.edge.pop(), node), rest // 2
        self.edge.append(node); self.size, self.last = self.size + 1, entry
    def root(self):
        root = self.edge[-1]
        for node in self.edge[-2::-1]: root = sha(b"\1", node, root)
        return root
    def read(self, data, at, end, keys):  # section 6.5
        floor, mark = at, keys[-1].split("+")[0].encode()
        while data.find(b"\n", at, end) >= 0:
            start, at = at, data.index(b"\n", at, end) + 1; line = data[start:at - 1]
            if not line.startswith(b'{"indelible":') or b"\0" in line: continue
            if re.match(rb'{"indelible":"(prune|cosign)",', line): self.unknown = True; continue
            opened = attempt(open_seal, line, keys[-1:]); seal, size, root = opened or (None, 0, b"")
            copy = opened or attempt(open_seal, line, keys)
            if copy and copy[1] <= self.size and self.sealed.get(copy[1]) == copy[2]: continue
            if not seal and mark not in line: continue  # foreign
            need(seal, f"entry {self.size}: a seal is damaged or forged")
            stop, entries = seal["offset"] + seal["length"], data[seal["offset"]:][:seal["length"]].split(b"\n")
            fits = floor <= seal["offset"] <= stop <= start and entries.pop() == b""
            need(seal["first"] == self.size and fits, f"entry {self.size}: entries are missing")
            need(all(0 < len(e) < 65536 and not e.startswith(b'{"indelible":') for e in entries), f"entry {self.size}: not entries")
            for entry in entries: self.add(entry)
            need((self.size, self.root()) == (size, root), f"entry {seal['first']}: entries were changed")
            self.sealed[size], self.note, floor = root, seal["note"], at

def verify_record(directory, vkey):
    def load(name): return open(os.path.join(directory, name), "rb").read()
    raw = load("log.json"); need(raw.endswith(b"\n"), "log.json: no line")
    if json.loads(raw).get("v") != 1: return 2, "the format version is unknown"
    log = exact(raw[:-1], "indelible v origin key created after"); record, keys = Record(), [log["key"]]
    files = dict(sorted((int(n[:-7]), n) for n in os.listdir(directory) if re.fullmatch(r"\d{6}|[1-9]\d{6,}", n[:-7]) and n.endswith(".ndjson")))
    headers = {k: attempt(open_header, load(n)) for k, n in files.items()}
    if not files: return 2, "nothing is sealed"
    current, header, chain, digest = 0, headers.get(0), [], base64.b64encode(sha(raw)).decode()
    genesis = header and (header["key"], header["origin"], header["size"])
    need(genesis == (log["key"], log["origin"], 0), "entry 0: segment 0 has no valid header")
    while current is not None:  # sections 6.3 to 6.6
        data, chain = load(files[current]), chain + [current]
        need(header["segment"] == current and header["log"] == digest, "another log.json")
        def follows(k, h):
            if not h or h["segment"] != k or h["log"] != digest or h.get("prev", {}).get("segment") != current: return False
            if h["prev"]["reason"] != "key_changed": return h["key"] == keys[-1]
            lines = [line for line in data[:h["prev"]["length"]].split(b"\n")[:-1] if not line.startswith(b'{"indelible":')]
            return attempt(key_change, lines[-1], keys[-1]) == h["key"]
        follow = next((k for k, h in headers.items() if follows(k, h)), None); header = headers.get(follow)
        end = header["prev"]["length"] if header else len(data)
        need(end <= len(data), f"entry {record.size}: segment {current} is too short")
        record.read(data, data.index(b"\n") + 1, end, keys); handed = attempt(key_change, record.last, keys[-1]); current = follow
        if header and header["key"] != keys[-1]: need(header["key"] == handed, "a key nobody handed over to"); keys.append(handed)
        if header:
            stated = header["size"], header.get("seal"), [unbase64(e) for e in header["edge"]]
            need(stated == (record.size, record.note, record.edge), f"entry {record.size}: the next segment does not follow")
    known = keys + ([handed] if handed else [])
    for k, h in headers.items():  # what stands beside the chain shows what is missing in it
        if k in chain or (h and (h["log"] != digest or h in [headers[c] for c in chain])): continue
        need(not (h and h["key"] in known), f"entry {record.size}: file {files[k]} is signed, but does not follow")
        for line in load(files[k]).split(b"\n") if k > chain[-1] else []:
            found = attempt(open_seal, line, known)
            need(not found or found[1] <= record.size, f"entry {record.size}: {files[k]} has lost its header")
    if vkey not in keys: need(vkey in known, f"entry 0: not signed by {vkey}"); return 2, "nothing is signed by the key given"
    if record.unknown or not record.size: return 2, "nothing is sealed" if not record.size else "a line of a later version"
    return 0, f"{record.size} entries, root {base64.b64encode(record.root()).decode()}"

if __name__ == "__main__":
    if len(sys.argv) != 3: print("usage: verify_record.py DIR VKEY", file=sys.stderr); sys.exit(2)
    try: status, claim = verify_record(*sys.argv[1:3])
    except Exception as error: status, claim = 1, error
    print(("sound:", "not sound:", "not proven:")[status], claim); sys.exit(status)
