# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate signing requests with names of every type and encoding, encoded and signed here: no library would."""

import base64
import hashlib
import ipaddress
import random
import re
import subprocess

SEQUENCE, SET, INTEGER, OCTETS, BITS, OBJECT, BOOLEAN = 0x30, 0x31, 2, 4, 3, 6, 1
STRING_TYPES = {"UTF8": (12, "utf-8"), "Printable": (19, "ascii"), "T61": (20, "latin-1"), "IA5": (22, "ascii"),
                "BMP": (30, "utf-16-be"), "Universal": (28, "utf-32-be"), "Visible": (26, "ascii")}
DNS, IP = 0x82, 0x87


def der(tag, *parts):
    data = b"".join(parts)
    size = len(data)
    if size < 128:
        return bytes([tag, size]) + data
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + data


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytearray([first * 40 + second])
    for number in rest:
        digits = [number & 0x7f]
        while number := number >> 7:
            digits.insert(0, number & 0x7f | 0x80)
        out += bytes(digits)
    return der(OBJECT, bytes(out))


def integer(number):
    return der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


class Key:
    """An RSA key that signs without a process for each signature."""

    def __init__(self):
        pem = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
        text = subprocess.run(["openssl", "rsa", "-noout", "-text"], input=pem, capture_output=True, check=True).stdout.decode()
        self.modulus, self.exponent = (int(re.sub(r"[\s:]", "", re.search(rf"{name}:\n((?:\s+[0-9a-f:]+\n)+)", text)[1]), 16)
                                       for name in ("modulus", "privateExponent"))
        self.public = der(SEQUENCE, der(SEQUENCE, oid("1.2.840.113549.1.1.1"), der(5)),
                          der(BITS, b"\0", der(SEQUENCE, integer(self.modulus), integer(65537))))

    def sign(self, data):
        digest = der(SEQUENCE, der(SEQUENCE, oid("2.16.840.1.101.3.4.2.1"), der(5)), der(OCTETS, hashlib.sha256(data).digest()))
        padded = b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(padded, "big"), self.exponent, self.modulus).to_bytes(256, "big")


def make_csr(key, subject, attributes):
    """The PEM. @subject, @attributes: DER"""
    info = der(SEQUENCE, integer(0), der(SEQUENCE, subject), key.public, der(0xa0, attributes))
    data = der(SEQUENCE, info, der(SEQUENCE, oid("1.2.840.113549.1.1.11"), der(5)), der(BITS, b"\0", key.sign(info)))
    return b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE REQUEST-----\n"


def common_name(value, kind="UTF8", name="2.5.4.3"):
    tag, encoding = STRING_TYPES[kind]
    data = value if isinstance(value, bytes) else value.encode(encoding)
    return der(SET, der(SEQUENCE, oid(name), der(tag, data)))


def alternative_names(*names, after=b"", critical=False):
    value = der(SEQUENCE, *names) + after
    return der(SEQUENCE, oid("2.5.29.17"), *([der(BOOLEAN, b"\xff")] if critical else []), der(OCTETS, value))


def extension_request(*extensions, name="1.2.840.113549.1.9.14"):
    return der(SEQUENCE, oid(name), der(SET, der(SEQUENCE, *extensions)))


def dns(text):
    return der(DNS, text if isinstance(text, bytes) else text.encode())


def address(text):
    return der(IP, ipaddress.ip_address(text).packed)


PLAIN_NAMES = ["www.example.org", "mail.example.org", "a-b.example.net", "xn--mnchen-3ya.example", "WWW.Example.ORG", "localhost",
               "*.example.org", "*.WWW.example.org", "1.example", "a" * 63 + ".example"]
# Names and their labels.
ODD_NAMES = {
    "empty": "", "dot": ".", "dot at the end": "www.example.org.", "dot at the start": ".example.org",
    "dots": "www..example.org", "underscore": "_acme.example.org", "hyphen": "-a.example.org", "space": "www.example .org",
    "address": "192.0.2.1", "IPv6": "2001:db8::1", "digits at the end": "www.1", "wildcard alone": "*",
    "wildcard inside": "www.*.example.org", "wildcard twice": "*.*.example.org", "wildcard part": "w*.example.org",
    "wildcard after": "*.", "long label": "a" * 64 + ".example", "long": ".".join(["a" * 60] * 5), "URL": "http://www.example.org",
    "user": "user@example.org", "port": "www.example.org:80", "line": "www.example.org\n", "tab": "www\t.example.org",
    "NUL": "www.example.org\0.example.net", "NUL at the end": "www.example.org\0", "UTF-8": "m\u00fcnchen.example",
    "Latin-1": b"m\xfcnchen.example", "comma": "www.example.org, DNS:mail.example.org", "comma alone": "a.example,b.example",
    "escape": "www.example.org\\00", "DEL": "www\x7f.example.org", "fullwidth dot": "www\uff0eexample.org",
}
OTHER_NAMES = {
    "email": der(0x81, b"root@example.org"), "URI": der(0x86, b"https://www.example.org/"),
    "directory name": der(0xa4, der(SEQUENCE, common_name("www.example.org"))), "registered ID": der(0x88, b"\x2a\x03\x04"),
    "other name": der(0xa0, oid("1.3.6.1.4.1.311.20.2.3"), der(0xa0, der(12, b"www.example.org"))),
    "email with a name": der(0x81, b"x, DNS:www.example.org"), "URI with a name": der(0x86, b"x:, DNS:www.example.org"),
}
ODD_ADDRESSES = {"address of 0 bytes": b"", "address of 3 bytes": b"\1\2\3", "address of 8 bytes": bytes([10, 0, 0, 0, 255, 0, 0, 0]),
                 "address of 32 bytes": bytes(32), "mapped address": bytes(10) + b"\xff\xff\xc0\0\2\1"}


class Generator:
    def __init__(self, seed):
        self.rng, self.key = random.Random(seed), Key()

    def _alternative(self, labels):
        """One name; adds what is unusual about it to @labels."""
        rng = self.rng
        which = rng.random()
        if which < 0.7:
            return dns(rng.choice(PLAIN_NAMES))
        if which < 0.8:
            return address(rng.choice(["192.0.2.1", "0.0.0.0", "2001:db8::1", "::1", "fe80::1:2", "2001:db8:0:0:1::"]))
        label, make = rng.choice([(label, dns(name)) for label, name in ODD_NAMES.items()] +
                                 [(label, der(IP, data)) for label, data in ODD_ADDRESSES.items()] + list(OTHER_NAMES.items()))
        labels.add(label)
        return make

    def _subject(self, labels):
        rng, parts = self.rng, []
        for _ in range(rng.choice([0, 0, 1, 1, 1, 2])):
            kind, name = rng.choice(list(STRING_TYPES)), rng.choice(PLAIN_NAMES)
            if rng.random() < 0.15:
                label, name = rng.choice([item for item in ODD_NAMES.items() if isinstance(item[1], str)])
                labels.add(label)
                if not name.isascii():
                    kind = rng.choice(["UTF8", "BMP", "Universal"])
            labels.add(f"CN {kind}")
            parts.append(common_name(name, kind))
        if rng.random() < 0.3:
            parts.insert(rng.randrange(len(parts) + 1), common_name("www.other.example", name="2.5.4.10"))
        return b"".join(parts)

    def _attributes(self, labels):
        rng = self.rng
        names = [self._alternative(labels) for _ in range(rng.choice([0, 1, 1, 2, 3, 8]))]
        extensions = [alternative_names(*names, critical=rng.random() < 0.1)] if names else []
        requests = [extension_request(*extensions)]
        form = rng.choice(["plain"] * 20 + ["two SANs", "empty SAN", "data after the SAN", "two requests", "Microsoft", "no request",
                                            "issuer name", "password", "no extension"])
        labels.add(form)
        if form == "two SANs":
            requests = [extension_request(*extensions, alternative_names(dns("second.example.org")))]
        elif form == "empty SAN":
            requests = [extension_request(alternative_names())]
        elif form == "data after the SAN":
            requests = [extension_request(alternative_names(*names, after=dns("hidden.example.org")))]
        elif form == "two requests":
            requests.append(extension_request(alternative_names(dns("second.example.org"))))
        elif form == "Microsoft":
            requests = [extension_request(*extensions, name="1.3.6.1.4.1.311.2.1.14")]
        elif form == "no request":
            requests = []
        elif form == "issuer name":
            issuer = der(SEQUENCE, oid("2.5.29.18"), der(OCTETS, der(SEQUENCE, dns("issuer.example.org"))))
            requests = [extension_request(issuer, *extensions)]
        elif form == "password":
            requests.append(der(SEQUENCE, oid("1.2.840.113549.1.9.7"), der(SET, der(12, b"secret"))))
        return b"".join(requests)

    def make(self):
        """(labels, PEM)"""
        labels = set()
        subject, attributes = self._subject(labels), self._attributes(labels)
        return labels, make_csr(self.key, subject, attributes)
