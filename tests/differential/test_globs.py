# SPDX-License-Identifier: GPL-3.0-or-later
"""The globs of "domain", compared with Python's fnmatch.

The wildcard rule: the * in front of a name is matched only by a * in front of the glob, since it stands for more than one
name. Everything else is the same, except INTENDED.
"""

import fnmatch
import os
import random
import re
import subprocess

import lib

SEED = int(os.environ.get("SEED", "2002"))
PAIRS = int(os.environ.get("PAIRS", "20000"))
PROGRAM = lib.BUILD / "tests/differential/glob-match"
# Name, glob, whether acmems matches them; fnmatch decides the opposite.
INTENDED = [
    ("b.example.org", "[^a].example.org", True),  # POSIX leaves ^ open; fnmatch(3) takes it as !
    ("a.example.org", "[^a].example.org", False),
    ("a.example.org", "[[:alpha:]].example.org", True),  # POSIX: a class of characters
    ("1.example.org", "[![:alpha:]].example.org", True),
    ("w.example.org", "[w[.].example.org", False),  # POSIX: [. begins a collating symbol
    ("m.example.org", "[z-a!].example.org", False),  # fnmatch drops the empty range, and takes ! for the negation
]
LABELS = ["www", "mail", "w1", "w2", "a", "b", "xn--mnchen-3ya", "example", "org", "net", "0", "a-b", "-"]


def make_name(rng):
    labels = [rng.choice(LABELS) for _ in range(rng.randrange(1, 5))]
    if rng.random() < 0.25:
        labels.insert(0, "*")
    return ".".join(labels)


def make_set(rng):
    inside = "".join(rng.choice("abmowx019-!^*?.") for _ in range(rng.randrange(4)))
    return rng.choice(["[", "[!", "[a-", "[]", "[0-9"]) + inside + rng.choice(["]", "]", "]", ""])


def make_glob(rng, name):
    """A glob that is likely to match the name, or to fail by little."""
    glob = name
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(glob) + 1)
        end = min(len(glob), at + rng.randrange(4))
        part = rng.choice([lambda: "*", lambda: "*", lambda: "?", lambda: make_set(rng), lambda: "\\", lambda: "**", lambda: "."])()
        glob = glob[:at] + part + glob[end:]
    if rng.random() < 0.2:
        glob = rng.choice(["*", "*.", "?", "[*]", "\\*", "**", "[!a]"]) + glob[rng.randrange(3):]
    return glob


def expected(name, glob):
    if name.startswith("*"):
        return glob.startswith("*") and fnmatch.fnmatchcase(name[1:], glob)
    return fnmatch.fnmatchcase(name, glob)


def ask(pairs):
    """Whether acmems matches each name with its glob."""
    text = "".join(f"{name}\n{glob}\n" for name, glob in pairs)
    out = subprocess.run([PROGRAM], input=text, capture_output=True, text=True, check=True).stdout
    assert len(out) == len(pairs)
    return [answer == "1" for answer in out]


def is_unlike_python(glob):
    """Whether the glob has one of the forms of INTENDED."""
    return "[^" in glob or "[:" in glob or "[." in glob or any(first > last for first, last in re.findall(r"(?=(.)-(.))", glob))


def make_pair(rng):
    name = make_name(rng)
    glob = make_glob(rng, name if rng.random() < 0.9 else make_name(rng))
    return make_pair(rng) if is_unlike_python(glob) else (name, glob)


def test_globs(record_property):
    rng = random.Random(SEED)
    pairs = [make_pair(rng) for _ in range(PAIRS)]
    ours = ask(pairs)
    wrong = [f"{name} {glob}: acmems says {our}" for (name, glob), our in zip(pairs, ours) if our != expected(name, glob)]
    record_property(f"globs, compared with fnmatch, seed {SEED}", f"{len(pairs)} pairs, {sum(ours)} match")
    assert not wrong, f"SEED={SEED}: {len(wrong)} differences, for example\n" + "\n".join(wrong[:20])


def test_intended_differences():
    assert ask([(name, glob) for name, glob, _ in INTENDED]) == [answer for *_, answer in INTENDED]
    assert [expected(name, glob) for name, glob, _ in INTENDED] == [not answer for *_, answer in INTENDED]
