# SPDX-License-Identifier: GPL-3.0-or-later
"""What acmems reads from HTTP requests, compared with nginx and Python's http.server.

Each difference must be in INTENDED. A front server that reads a request differently could let one client speak in the
place of another.
"""

import collections
import os
import re
import socket
from dataclasses import dataclass

import pytest

import http_readers
import lib
from http_requests import PREFIX, make_cases

DEFAULT_SEED = 9112
SEED = int(os.environ.get("SEED", DEFAULT_SEED))
REQUESTS = int(os.environ.get("REQUESTS", "10000"))
HTTP_READ = lib.BUILD / "tests/differential/http-read"


@dataclass
class Intended:
    peers: str  # "nginx", "python" or both
    changes: str  # pattern of the names of changes
    kind: str  # see difference()
    why: str


BOTH = "nginx python"
INTENDED = [
    # Refused by acmems alone.
    Intended(BOTH, "target fragment", "stricter", "RFC 9112 §3.2: no target has a fragment"),
    Intended(BOTH, "target not ASCII", "stricter", "RFC 3986 §2: a URI is ASCII"),
    Intended("python", "target (control|DEL|NUL)", "stricter", "RFC 3986 §2: a URI has no control characters"),
    Intended("nginx", "target (encoded|encoded slash|dot segments|slashes|absolute without host)", "stricter",
             "paths are not decoded or normalised: each resource has one spelling (RFC 9110 §4.2.3 permits more)"),
    Intended("python", "target slashes", "stricter", "the same: Python removes a second slash"),
    Intended("python", "target (3000|9000)|field (7000|20000)|field name 5000", "stricter",
             "our limit for a head is 8 KiB: RFC 6585 §5"),
    Intended(BOTH, r"version HTTP/(1\.10|1\.1 )", "stricter", "RFC 9112 §2.3: a version has two digits and ends the line"),
    Intended("python", r"version HTTP/(01\.1|-1\.1|1\.\+1)", "stricter", "RFC 9112 §2.3: a version has two digits"),
    Intended("python", "version (HTTP/0.9|missing)?", "stricter", "Python gives it no answer, and then answers the next request"),
    Intended(BOTH, "spaces two", "stricter", "RFC 9112 §3: one space; more may be accepted"),
    Intended("python", "spaces (tab|form feed)", "stricter", "RFC 9112 §3: as above"),
    Intended("python", "before (space|CR)", "stricter", "RFC 9112 §2.2: the only thing to ignore is an empty line"),
    Intended("nginx", "before (two CRLF|LF|CR)", "stricter", "RFC 9112 §2.2: one empty line is ignored"),
    Intended(BOTH, "(end|last|field) LF( and length)?", "stricter",
             "RFC 9112 §2.2: CR LF ends a line; LF alone may be accepted, but two programs could then see other fields"),
    Intended("python", "end (CR CR LF|LF CR)|last (CR|missing|space)", "stricter",
             "RFC 9112 §2.2: Python takes other lines for the end of the head"),
    Intended("python", "field (space|tab) before colon|field (with blank|without) name", "stricter",
             "RFC 9112 §5.1: no whitespace between name and colon"),
    Intended(BOTH, "field without colon|field name (not ASCII|separators)", "stricter", "RFC 9110 §5.1: a name is a token"),
    Intended("python", "field name (control|NUL)", "stricter", "RFC 9110 §5.1: as above"),
    Intended("python", "field folded.*", "stricter", "RFC 9112 §5.2: a server must refuse or replace a folded line"),
    Intended(BOTH, "field (control|form feed|DEL)", "stricter", "RFC 9110 §5.5: no control characters"),
    Intended("python", "field (NUL|CR|CR and length)", "stricter", "RFC 9110 §5.5: NUL and CR must be refused or replaced"),
    Intended("nginx", "fields 200|target 3000|field (7000|name 5000)", "stricter", "our limits: 100 fields, a head of 8 KiB"),
    Intended("python", "host missing|host twice|hosts differ|host NUL", "stricter", "RFC 9112 §3.2: one Host, else 400"),
    Intended(BOTH, "host (bad port|two ports|IPv6 .*|user|backslash|question mark|not ASCII|quotes)", "stricter",
             "RFC 9112 §3.2: 400 for a Host that is no host and port"),
    Intended("python", "host (path|URL|comma|space|tab)", "stricter", "RFC 9112 §3.2: as above"),
    Intended("python", "target absolute bad port", "status", "it does not read absolute targets"),
    Intended("python", "length twice|lengths differ", "stricter", "RFC 9112 §6.3: lengths that differ are refused; equal ones too"),
    Intended("python", "length (plus|minus|underscore|form feed|folded|space before colon)", "stricter",
             "RFC 9110 §8.6: a length has only digits"),
    Intended("python", "length blanks", "stricter", "a tab is valid there, but the parser and nginx refuse it"),
    Intended("nginx", "length missing", "stricter", "RFC 9110 §15.5.12: 411; a body of no length is an error of the client"),
    Intended(BOTH, "length too (small|large)|body on any method", "stricter",
             "RFC 9110 §9.3.1: a body of GET has no meaning. A POST: nginx here does not wait for the body"),
    Intended("nginx", "chunked( upper case| extension| trailer| LF| bad size| huge size| first| with body and length)?", "stricter",
             "RFC 9110 §9.3.1: a body of GET has no meaning. A malformed chunk: nginx here does not wait for the body"),
    Intended("python", "chunked( .*)?|coding .*", "stricter", "RFC 9112 §6.1: Python ignores Transfer-Encoding"),
    Intended(BOTH, "expect (other|twice.*)", "stricter", "RFC 9110 §10.1.1: 417"),
    Intended(BOTH, "cut", "stricter", "the client left before its request was complete: both read less of it"),

    # Accepted by acmems alone.
    Intended("nginx", "target (encoded NUL|bad encoding)", "laxer",
             "paths are not decoded; there is no such token: acmems-http01 answers 404"),
    Intended("nginx", "host (empty|dots)", "laxer",
             "RFC 3986 §3.2.2: a host may be empty and have empty labels. No server-name is equal to it"),
    Intended("nginx", "expect twice.*", "laxer", "RFC 9110 §10.1.1: a server must ignore it in HTTP/1.0"),
    Intended("python", "target absolute( .*)?", "laxer", "RFC 9112 §3.2.2: a server must accept these"),
    Intended("python", "chunked( upper case| extension| trailer)?", "laxer",
             "RFC 9112 §7.1: a recipient must be able to read chunks"),
    Intended("python", "before CRLF", "laxer", "RFC 9112 §2.2: one empty line should be ignored"),

    # Accepted by both, and understood differently.
    Intended("nginx", "target dots", "path", "paths are not normalised; there is no such token"),
    Intended(BOTH, "host (dot first|encoded|sub-delimiters)|host dots", "no host",
             "RFC 3986 §3.2.2 permits these. No server-name is equal to them"),
    Intended(BOTH, "connection .*", "rest",
             "RFC 9112 §9.6: close ends the connection, in a list or on one of two lines too"),

    # Refused by both, with other statuses.
    Intended(BOTH, "method .*|connect( path)?", "status",
             "RFC 9110 §9.1: an unknown method is 501; acmems asks only whether the path has it: 405"),
    Intended("nginx", "target asterisk", "status", "RFC 9110 §9.3.7: for OPTIONS only: acmems has no such path"),
    Intended(BOTH, "target .*", "status", "no such target exists: 400 and 404 are both right"),
    Intended(BOTH, "version .*", "status", "RFC 9110 §15.6.6: 505 for another major version; others are malformed: 400"),
    Intended("python", "before .*|end .*|last .*", "status", "Python takes these for the end, or for HTTP/0.9"),
    Intended("nginx", "field 20000", "status", "RFC 6585 §5: 431"),
    Intended("python", "length .*", "status", "RFC 9110 §8.6: 400 for a malformed length; Python counts it as a large one"),
    Intended(BOTH, "coding .*|chunked .*", "status", "RFC 9112 §6.1: 501 for an unknown coding, of which chunked twice is one"),
    Intended("python", "cut", "status", "the client left: no answer, or one to the part that arrived"),
]


def accepts(answers):
    return bool(answers) and answers[0].status == "200"


def status(answers):
    return answers[0].status if answers else "closed"


def rest(answers):
    """The requests after the first one that were accepted, and whether another one was refused."""
    return [answer.read[1] if answer.status == "200" else "refused" for answer in answers[1:]]


def plain_host(text):
    """A host without port and brackets, in lower case: Python shows the header as it is."""
    bracketed = re.match(rb"\[(.*)\]", text.lower())
    return bracketed[1] if bracketed else re.sub(rb"^([^:]*?)\.?(:\d*)?$", rb"\1", text.lower())


def difference(ours, theirs):
    """The kind of difference; None: both read the same."""
    if not accepts(ours) or not accepts(theirs):
        if accepts(ours) != accepts(theirs):
            return "laxer" if accepts(ours) else "stricter"
        return None if status(ours) == status(theirs) else "status"
    (method, path, host, body), (their_method, their_path, their_host, their_body) = ours[0].read, theirs[0].read
    if (method, path) != (their_method, their_path):
        return "path"
    if not host and their_host:
        return "no host"
    if plain_host(host) != plain_host(their_host):
        return "host"
    if their_body and body != their_body:  # nginx shows none
        return "body"
    return None if rest(ours) == rest(theirs) else "rest"


def is_intended(peer, case, kind, used):
    # With several errors in one request, each program names the first that it looks for.
    if kind == "status" and len(case.changes) > 1:
        return True
    rows = [number for number, row in enumerate(INTENDED) if peer in row.peers.split() and row.kind == kind and
            any(re.fullmatch(row.changes, name) for name in case.changes)]
    used.update((number, peer) for number in rows)
    return bool(rows)


@pytest.fixture(scope="module")
def cases():
    print(f"SEED={SEED}: {REQUESTS} requests")
    return make_cases(SEED, REQUESTS)


@pytest.fixture(scope="module")
def ours(cases):
    """What acmems reads."""
    answers = http_readers.read_by_acmems(HTTP_READ, cases)
    assert len(answers) == len(cases)
    return [http_readers.parse_answers(data) for data in answers]


@pytest.fixture(params=["nginx", "python"])
def peer(request, cases, tmp_path):
    """(name, what it reads)"""
    if request.param == "nginx":
        with http_readers.nginx(lib, tmp_path) as path:
            answers = http_readers.read_by_nginx(path, cases)
    else:
        answers = http_readers.read_by_python(cases)
    return request.param, [http_readers.parse_answers(data) for data in answers]


def test_each_difference_is_intended(cases, ours, peer, record_property):
    name, theirs = peer
    kinds, used, wrong = collections.Counter(), set(), []
    for case, our, their in zip(cases, ours, theirs):
        kind = difference(our, their)
        kinds[kind or "same"] += 1
        if kind and not is_intended(name, case, kind, used):
            wrong.append(f"{kind}: {', '.join(case.changes)}: {our}, {name} {their}: {case.data[:300]!r}")
    record_property(f"HTTP, compared with {name}, seed {SEED}", ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
    assert not wrong, f"SEED={SEED}: {len(wrong)} differences, for example\n" + "\n".join(wrong[:20])
    if SEED != DEFAULT_SEED:
        return
    unused = [row for number, row in enumerate(INTENDED) if name in row.peers.split() and (number, name) not in used]
    assert not unused, f"{name} reads these as acmems does: {unused}"


def test_pieces_do_not_matter(cases, ours):
    whole = [type(case)(case.method, case.changes, case.data, len(case.data) or 1) for case in cases]
    for case, our, data in zip(cases, ours, http_readers.read_by_acmems(HTTP_READ, whole)):
        assert our == http_readers.parse_answers(data), f"SEED={SEED}: {case}"


def ask(port, case):
    """The status of the first answer of a program of acmems."""
    with lib.Client(port) as client:
        try:
            client.send(case.data)
            client.sock.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.sock.recv(65536), b""))
        except ConnectionError:
            return "closed"
    return status(http_readers.parse_answers(received))


def test_programs_answer_the_same(cases, ours, tmp_path):
    """The other tests serve the connections in one process. Here each has a process of acmems-http01 or acmems-sign,
    which has no configuration: it answers 503 to a valid request."""
    challenges = tmp_path / "challenges"
    challenges.mkdir()
    (challenges / "token").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as http01_socket, socket.create_server(("127.0.0.1", 0)) as sign_socket:
        programs = [lib.Process("http01", [lib.HTTP01, "--challenges", challenges], tmp_path, [http01_socket]),
                    lib.Process("sign", [lib.SIGN, "--config", tmp_path / "none"], tmp_path, [sign_socket])]
        for case, our in list(zip(cases, ours))[::50]:
            expected, sock = status(our), sign_socket if case.method == "POST" else http01_socket
            if expected == "200" and case.method == "POST":
                expected = "503"
            elif expected == "200" and our[0].read[1] != PREFIX + b"token":
                expected = "404"
            if case.method == "POST" and expected == "closed":
                continue  # without a configuration it does not wait for the body
            assert ask(sock.getsockname()[1], case) == expected, f"SEED={SEED}: {case}"
        for program in programs:
            program.stop()
