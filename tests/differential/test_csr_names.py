# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that acmems reads from CSRs, compared with the text that openssl req prints.

A name that the CA reads and acmems does not would be a certificate that no policy permitted. Each difference must be in
INTENDED.
"""

import collections
import concurrent.futures
import ipaddress
import os
import re
import struct
import subprocess

import lib
from csrs import Generator

SEED = int(os.environ.get("SEED", "10468"))
REQUESTS = int(os.environ.get("REQUESTS", "500"))
PROGRAM = lib.BUILD / "tests/differential/csr-names"
HOST = re.compile(r"(\*\.)?(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")

# (what the CSR has, what acmems does, why)
INTENDED = [
    ("line", "refused", "a name with a line feed is invalid; the text shows it as a name and an empty line"),
    ("comma", "refused", "a name with a comma is invalid; the text shows two names"),
    ("NUL", "refused", "a name with NUL is invalid, as some programs end the name there; the text leaves all names out"),
    ("NUL at the end", "refused", "as above"),
    ("data after the SAN", "refused", "other programs could take what follows the names for names"),
    ("two SANs", "refused", "RFC 5280 permits one extension of a kind; a CA refuses the CSR or reads one of them"),
    ("two requests", "refused", "openssl reads only the first list of extensions; a CA could read the second"),
    ("URI with a name", "other names", "the text shows a DNS name inside of a URI. acmems reads a URI, which no policy permits"),
    ("email with a name", "other names", "as above, of an e-mail address"),
]


def read_by_acmems(csrs):
    """For each CSR: None if acmems refuses it, else its names, as ("DNS", …), ("IP", …) and "other"."""
    data = b"".join(struct.pack("=I", len(pem)) + pem for pem in csrs)
    lines = subprocess.run([PROGRAM], input=data, capture_output=True, check=True).stdout.decode().splitlines()
    return [None if line.startswith("refused: ") else
            {word if word == "other" else tuple(word.split(":", 1)) for word in line.split()} for line in lines]


def openssl_text(pem):
    """"": openssl cannot decode it."""
    return subprocess.run(["openssl", "req", "-noout", "-text", "-subject", "-nameopt", "sep_multiline,utf8,esc_ctrl,sname"],
                          input=pem, capture_output=True, check=False).stdout.decode(errors="replace")


def host(name):
    """The host name in lower case; None: it is not one."""
    name = name.lower()
    good = HOST.fullmatch(name) and len(name) <= 253 and not name.rpartition(".")[2].isdigit()
    return ("DNS", name) if good else None


def ip(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "ipv4_mapped", None) else ("IP", str(address))


def alternative_names(text):
    for line in re.findall(r"X509v3 Subject Alternative Name:[^\n]*\n +(.*?)\n(?= {0,16}\S| *\n)", text, re.S):
        for name in line.split(", ") if line != "<EMPTY>" else []:
            kind, _, value = name.partition(":")
            yield host(value) if kind == "DNS" else ip(value) if kind == "IP Address" else "other"


def common_names(subject):
    """Those that are not empty, without blanks around them. openssl shows a line feed as \\0A."""
    for name in re.findall(r"^ *CN=(.*)$", subject, re.M):
        name = re.sub(r"^(\s|\\0[9AD])+|(\s|\\0[9AD])+$", "", name)
        if name:
            yield name


def read_by_openssl(pem):
    """The same, judged by the text alone."""
    text = openssl_text(pem)
    if not text:
        return None
    subject = text[text.index("\nsubject="):]
    names = {host(name) for name in common_names(subject)} | set(alternative_names(text))
    return None if None in names or not names else names


def difference(ours, theirs):
    if ours == theirs:
        return None
    return "refused" if ours is None else "accepted" if theirs is None else "other names"


def test_each_difference_is_intended(record_property):
    generator = Generator(SEED)
    cases = [generator.make() for _ in range(REQUESTS)]
    ours = read_by_acmems([pem for _, pem in cases])
    assert len(ours) == len(cases)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        theirs = list(pool.map(read_by_openssl, [pem for _, pem in cases]))
    kinds, wrong = collections.Counter(), []
    for (labels, pem), our, their in zip(cases, ours, theirs):
        kind = difference(our, their)
        kinds[kind or "same: refused" if our is None else kind or "same names"] += 1
        if kind and not any(label in labels and kind == what for label, what, _ in INTENDED):
            wrong.append(f"{kind}: {sorted(labels)}: acmems {our}, openssl {their}\n{openssl_text(pem)}")
    record_property(f"CSRs, compared with openssl req, seed {SEED}",
                    ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
    assert not wrong, f"SEED={SEED}: {len(wrong)} differences, for example\n" + "\n".join(wrong[:5])
