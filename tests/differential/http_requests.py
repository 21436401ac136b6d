# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in all forms that a client could send: valid, unusual and malformed."""

import random
from dataclasses import dataclass, field

PREFIX = b"/.well-known/acme-challenge/"
BODY = b"-----BEGIN CERTIFICATE REQUEST-----\n"
# Follows each request, so that the answers show where the server saw its end.
MARKER = b"GET " + PREFIX + b"marker HTTP/1.1\r\nHost: marker.example\r\n\r\n"


@dataclass
class Request:
    method: bytes
    target: bytes
    version: bytes = b"HTTP/1.1"
    space: bytes = b" "
    before: bytes = b""  # the request line
    fields: list = field(default_factory=list)  # lines without their end
    end: bytes = b"\r\n"  # of each line
    last: bytes = b"\r\n"  # the empty line
    body: bytes = b""

    def add(self, *lines):
        self.fields.extend(lines)

    def replace(self, name, *lines):
        """Replace the field of this name."""
        self.fields = [line for line in self.fields if not line.lower().startswith(name + b":")]
        self.add(*lines)

    def __bytes__(self):
        line = self.space.join(part for part in (self.method, self.target, self.version) if part is not None)
        return b"".join([self.before, line, self.end, *(text + self.end for text in self.fields), self.last, self.body])


CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"


def _set(**attributes):
    def change(request):
        for name, value in attributes.items():
            setattr(request, name, value)
    return change


def _target(make):
    def change(request):
        request.target = make(request.target or b"")
    return change


def _fields(*lines):
    return lambda request: request.add(*lines)


def _first(line):
    return lambda request: request.fields.insert(0, line)


def _host(*values):
    return lambda request: request.replace(b"host", *(b"Host:" + value for value in values))


def _length(*values):
    """Content-Length; %d: the true one."""
    def change(request):
        true = b"%d" % len(request.body)
        request.replace(b"content-length", *(b"Content-Length:" + value.replace(b"%d", true) for value in values))
    return change


def _coded(body, *lines):
    """Transfer-Encoding instead of Content-Length."""
    def change(request):
        request.replace(b"content-length", *lines)
        request.body = body
    return change


def _body_on_get(request):
    request.replace(b"content-length", b"Content-Length: 4")
    request.body = b"body"


def _methods(*names):
    return {f"method {name}": _set(method=name.encode()) for name in names}


def _versions(*names):
    return {f"version {name}": _set(version=name.encode()) for name in names}


ABSOLUTE = b"http://other.example"

# What may be wrong with a request, or unusual. The tests name these.
CHANGES = {
    # the request line
    **_methods("PUT", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "G@T", "G(T", "GE\tT", "G\0T", ""),
    "method long": _set(method=b"M" * 300),
    "method other": lambda request: setattr(request, "method", b"GET" if request.method == b"POST" else b"POST"),
    "connect": _set(method=b"CONNECT", target=b"other.example:443"),
    "connect path": _set(method=b"CONNECT"),
    "target query": _target(lambda target: target + b"?a=b&c"),
    "target empty query": _target(lambda target: target + b"?"),
    "target fragment": _target(lambda target: target + b"#part"),
    "target absolute": _target(lambda target: ABSOLUTE + target),
    "target absolute port": _target(lambda target: ABSOLUTE + b":8080" + target),
    "target absolute upper case": _target(lambda target: b"HTTP://OTHER.Example" + target),
    "target absolute https": _target(lambda target: b"https://other.example" + target),
    "target absolute ftp": _target(lambda target: b"ftp://other.example" + target),
    "target absolute IPv6": _target(lambda target: b"http://[2001:db8::1]:80" + target),
    "target absolute user": _target(lambda target: b"http://user@other.example" + target),
    "target absolute without host": _target(lambda target: b"http://" + target),
    "target absolute without path": _set(target=ABSOLUTE),
    "target absolute bad port": _target(lambda target: ABSOLUTE + b":8x" + target),
    "target absolute query": _set(target=ABSOLUTE + b"?query"),
    "target asterisk": _set(target=b"*"),
    "target authority": _set(target=b"other.example:80"),
    "target without slash": _target(lambda target: target[1:]),
    "target empty": _set(target=b""),
    "target missing": _set(target=None),
    "target encoded": _target(lambda target: target.replace(b"n", b"%6e")),
    "target encoded slash": _target(lambda target: target[:1] + target[1:].replace(b"/", b"%2f") + b"%2fx"),
    "target encoded NUL": _target(lambda target: target + b"%00"),
    "target bad encoding": _target(lambda target: target + b"%zz"),
    "target dot segments": _target(lambda target: b"/x/.." + target),
    "target dots": _target(lambda target: target + b"/../x"),
    "target slashes": _target(lambda target: b"/" + target),
    "target backslash": _target(lambda target: target.replace(b"/", b"\\")),
    "target not ASCII": _target(lambda target: target + b"\xe4"),
    "target control": _target(lambda target: target + b"\x01"),
    "target DEL": _target(lambda target: target + b"\x7f"),
    "target NUL": _target(lambda target: target + b"\0"),
    "target tab": _target(lambda target: target + b"\tx"),
    "target space": _target(lambda target: target + b" x"),
    "target CR": _target(lambda target: target + b"\rx"),
    "target unwise": _target(lambda target: target + b"{|}^\"<>`"),
    "target 3000": _target(lambda target: target + b"a" * 3000),
    "target 9000": _target(lambda target: target + b"a" * 9000),
    **_versions("HTTP/1.0", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/1.10", "HTTP/01.1",
                "HTTP/1", "HTTP/1.", "HTTP/11", "HTTP/1,1", "HTTP/1.1x", "HTTP/1.1 ", "http/1.1", "HTTPS/1.1",
                "HTTP /1.1", "HTTP/ 1.1", "HTTP/-1.1", "HTTP/1.+1", ""),
    "version missing": _set(version=None),
    "spaces two": _set(space=b"  "),
    "spaces tab": _set(space=b"\t"),
    "spaces form feed": _set(space=b"\f"),
    "before space": _set(before=b" "),
    "before CRLF": _set(before=b"\r\n"),
    "before two CRLF": _set(before=b"\r\n\r\n"),
    "before LF": _set(before=b"\n"),
    "before CR": _set(before=b"\r"),
    "before NUL": _set(before=b"\0"),
    "before TLS": _set(before=b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
    "before PROXY": _set(before=b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    # the ends of lines
    "end LF": _set(end=b"\n", last=b"\n"),
    "end CR": _set(end=b"\r", last=b"\r"),
    "end CR CR LF": _set(end=b"\r\r\n"),
    "end LF CR": _set(end=b"\n\r"),
    "last LF": _set(last=b"\n"),
    "last CR": _set(last=b"\r"),
    "last missing": _set(last=b""),
    "last space": _set(last=b" \r\n"),
    # header fields
    "field space before colon": _fields(b"X : y"),
    "field tab before colon": _fields(b"X\t: y"),
    "field without colon": _fields(b"X"),
    "field without name": _fields(b": y"),
    "field with blank name": _fields(b"X Y: y"),
    "field name not ASCII": _fields(b"X\xe4: y"),
    "field name control": _fields(b"X\x01: y"),
    "field name NUL": _fields(b"X\0: y"),
    "field name separators": _fields(b"X(y)=: y"),
    "field name unusual": _fields(b"!#$%&'*+-.^_`|~9: y"),
    "field folded": _fields(b"X: y", b" z"),
    "field folded by tab": _fields(b"X: y", b"\tz"),
    "field folded first": _first(b" X: y"),
    "field folded blank": _fields(b"X: y", b" "),
    "field empty": _fields(b"X:"),
    "field blank": _fields(b"X: \t "),
    "field blanks": _fields(b"X:\t  y \t"),
    "field tab": _fields(b"X: y\tz"),
    "field Latin-1": _fields(b"X: \xe4"),
    "field UTF-8": _fields("X: ä€".encode()),
    "field control": _fields(b"X: y\x01"),
    "field form feed": _fields(b"X: y\fz"),
    "field DEL": _fields(b"X: y\x7f"),
    "field NUL": _fields(b"X: y\0z"),
    "field CR": _fields(b"X: y\rz"),
    "field LF": _fields(b"X: y\nZ: z"),
    "field CR and length": _fields(b"X: y\rContent-Length: 50"),
    "field LF and length": _fields(b"X: y\nContent-Length: 50"),
    "field 7000": _fields(b"X: " + b"y" * 7000),
    "field 20000": _fields(b"X: " + b"y" * 20000),
    "field name 5000": _fields(b"X" * 5000 + b": y"),
    "fields 90": _fields(*[b"X: y"] * 90),
    "fields 200": _fields(*[b"X: y"] * 200),
    # Host
    "host missing": _host(),
    "host twice": _host(b" www.example.org", b" www.example.org"),
    "hosts differ": _host(b" www.example.org", b" other.example"),
    "host empty": _host(b""),
    "host port": _host(b" www.example.org:8080"),
    "host empty port": _host(b" www.example.org:"),
    "host bad port": _host(b" www.example.org:8x"),
    "host two ports": _host(b" www.example.org:80:80"),
    "host upper case": _host(b" WWW.Example.ORG"),
    "host dot": _host(b" www.example.org."),
    "host dots": _host(b" www..example.org"),
    "host dot first": _host(b" .example.org"),
    "host underscore": _host(b" www_1.example.org"),
    "host encoded": _host(b" www%2eexample.org"),
    "host sub-delimiters": _host(b" a!$&'()*+;=~b"),
    "host IPv4": _host(b" 192.0.2.1:80"),
    "host IPv6": _host(b" [2001:DB8::1]:80"),
    "host IPv6 without brackets": _host(b" 2001:db8::1"),
    "host IPv6 open": _host(b" [2001:db8::1"),
    "host IPv6 bad": _host(b" [x]"),
    "host path": _host(b" www.example.org/x"),
    "host URL": _host(b" http://www.example.org"),
    "host user": _host(b" user@www.example.org"),
    "host comma": _host(b" www.example.org, other.example"),
    "host space": _host(b" www.example.org other.example"),
    "host backslash": _host(b" www.example.org\\x"),
    "host question mark": _host(b" www.example.org?x"),
    "host not ASCII": _host(b" www.ex\xe4mple.org"),
    "host NUL": _host(b" www.example.org\0.other.example"),
    "host tab": _host(b" www.example.org\tx"),
    "host quotes": _host(b' "www.example.org"'),
    # Content-Length
    "length missing": _length(),
    "length twice": _length(b" %d", b" %d"),
    "lengths differ": _length(b" %d", b" 3"),
    "length list": _length(b" %d, %d"),
    "lengths list": _length(b" %d, 3"),
    "length plus": _length(b" +%d"),
    "length minus": _length(b" -%d"),
    "length hexadecimal": _length(b" 0x%d"),
    "length blanks": _length(b" \t%d \t"),
    "length space inside": _length(b" %d %d"),
    "length underscore": _length(b" %d_0"),
    "length fraction": _length(b" %d.0"),
    "length exponent": _length(b" %de0"),
    "length zeros": _length(b" 000%d"),
    "length empty": _length(b""),
    "length word": _length(b" all"),
    "length other digits": _length(" ٣".encode()),
    "length NUL": _length(b" %d\0"),
    "length form feed": _length(b" \f%d"),
    "length of 2^64": _length(b" 18446744073709551616"),
    "length wraps around": _length(b" 1844674407370955161%d"),
    "length huge": _length(b" " + b"9" * 100),
    "length 4097": _length(b" 4097"),
    "length too small": _length(b" 2"),
    "length too large": _length(b" 1%d"),
    "length folded": _length(b"\r\n %d"),
    "length space before colon": lambda request: request.replace(
        b"content-length", b"Content-Length : %d" % len(request.body)),
    "length underscore name": _fields(b"Content_Length: 3"),
    "body on any method": _body_on_get,
    # Transfer-Encoding
    "chunked": _coded(CHUNKED, b"Transfer-Encoding: chunked"),
    "chunked upper case": _coded(CHUNKED, b"TRANSFER-ENCODING: CHUNKED"),
    "chunked extension": _coded(b"5;a=b\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "chunked trailer": _coded(b"0\r\nX: y\r\n\r\n", b"Transfer-Encoding: chunked"),
    "chunked LF": _coded(b"5\nhello\n0\n\n", b"Transfer-Encoding: chunked"),
    "chunked bad size": _coded(b"5x\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "chunked huge size": _coded(b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "chunked then length": _fields(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "chunked with length": _fields(b"Transfer-Encoding: chunked"),
    "chunked first": _first(b"Transfer-Encoding: chunked"),
    "chunked with body and length": lambda request: (
        request.add(b"Transfer-Encoding: chunked"), setattr(request, "body", CHUNKED)),
    "chunked twice": _coded(CHUNKED, b"Transfer-Encoding: chunked, chunked"),
    "chunked on two lines": _coded(CHUNKED, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "chunked after gzip": _coded(CHUNKED, b"Transfer-Encoding: gzip, chunked"),
    "chunked before gzip": _coded(CHUNKED, b"Transfer-Encoding: chunked, gzip"),
    "chunked quoted": _coded(CHUNKED, b'Transfer-Encoding: "chunked"'),
    "chunked parameter": _coded(CHUNKED, b"Transfer-Encoding: chunked;q=1"),
    "chunked form feed": _coded(CHUNKED, b"Transfer-Encoding: \fchunked"),
    "chunked space before colon": _coded(CHUNKED, b"Transfer-Encoding : chunked"),
    "chunked folded": _coded(CHUNKED, b"Transfer-Encoding:", b" chunked"),
    "chunked underscore name": _fields(b"Transfer_Encoding: chunked"),
    "coding unknown": _coded(b"", b"Transfer-Encoding: xchunked"),
    "coding gzip": _coded(b"", b"Transfer-Encoding: gzip"),
    "coding identity": _fields(b"Transfer-Encoding: identity"),
    "coding empty": _fields(b"Transfer-Encoding:"),
    # connections
    "expect": _fields(b"Expect: 100-continue"),
    "expect upper case": _fields(b"Expect: 100-CONTINUE"),
    "expect other": _fields(b"Expect: miracle"),
    "expect twice": _fields(b"Expect: 100-continue", b"Expect: 100-continue"),
    "expect twice in HTTP/1.0": lambda request: (
        request.add(b"Expect: 100-continue", b"Expect: 100-continue"), setattr(request, "version", b"HTTP/1.0")),
    "connection close": _fields(b"Connection: close"),
    "connection keep-alive": _fields(b"Connection: keep-alive"),
    "connection list": _fields(b"Connection: x, close"),
    "connection two lines": _fields(b"Connection: close", b"Connection: keep-alive"),
    "connection upgrade": _fields(b"Connection: Upgrade", b"Upgrade: h2c"),
    "connection field": _fields(b"Connection: Content-Length"),
    "cut": lambda request: setattr(request, "cut", True),
}


@dataclass
class Case:
    method: str  # of the request before it was changed
    changes: tuple
    data: bytes
    piece: int  # size of the pieces in which the bytes arrive


def new_request(method):
    request = Request(method, b"/sign" if method == b"POST" else PREFIX + b"token", fields=[b"Host: www.example.org"])
    if method == b"POST":
        request.body = BODY
        request.add(b"Content-Length: %d" % len(BODY))
    return request


def make_case(rng, method, changes):
    request = new_request(method)
    if rng.random() < 0.5:
        request.fields.insert(rng.randrange(2), rng.choice([b"User-Agent: test", b"Accept: */*", b"A: b, c"]))
    for name in changes:
        CHANGES[name](request)
    data = bytes(request)
    if hasattr(request, "cut"):
        data = data[:rng.randrange(len(data))]
    else:
        data += MARKER
    # At most some 20 pieces: each one waits until the server has read the one before.
    piece = max(rng.choice([1, 2, 7, 50, 1000, len(data) or 1]), len(data) // 20)
    return Case(method.decode(), changes, data, piece)


def make_cases(seed, number):
    """Each change alone with each method first, then with others."""
    rng = random.Random(seed)
    methods = [b"GET", b"HEAD", b"POST"]
    cases = [make_case(rng, method, changes) for method in methods for changes in [(), *((name,) for name in CHANGES)]]
    names = list(CHANGES)
    while len(cases) < number:
        cases.append(make_case(rng, rng.choice(methods), tuple(rng.sample(names, rng.choice([1, 2, 2, 3])))))
    return cases[:number]
