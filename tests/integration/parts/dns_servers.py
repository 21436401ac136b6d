# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS servers on loopback: BIND, Knot, and one that never answers."""

import base64
import re
import shutil
import socket

import lib

KEY_NAME = "acmems"
KEYS = {KEY_NAME: "hmac-sha256", "k512": "hmac-sha512", "k1": "hmac-sha1", "k5": "hmac-md5"}
SECRET = base64.b64encode(b"a secret for tests, of 32 bytes!").decode()
SIGNATURE = f"hmac-sha256:{KEY_NAME}:{SECRET}"  # of dig and nsupdate


def tsig_keygen(path, algorithm="hmac-sha256", name=KEY_NAME, secret=SECRET):
    """Write a key file in the format of tsig-keygen."""
    text = lib.run("tsig-keygen", "-a", algorithm, name).stdout
    path.write_text(re.sub(r'secret "[^"]*"', f'secret "{secret}"', text))
    path.chmod(0o640)
    return path


def zone_text(servers, records=""):
    """The text of a zone.

    @servers: {label or name: address} of the name servers; a name with a trailing dot has its
    address in another zone
    """
    lines = ["$TTL 1", "@ SOA ns hostmaster 1 3600 600 86400 1"]
    for name, address in servers.items():
        lines.append(f"@ NS {name}")
        if address:
            lines.append(f"{name} A {address}")
    return "\n".join([*lines, records, ""])


class Server:
    """A DNS server with a loopback address of its own, so that zones can name it."""

    def __init__(self, directory, address, zones):
        """@zones: {name: text of the zone}"""
        self.directory, self.address, self.zones = directory, address, zones
        directory.mkdir(parents=True, exist_ok=True)
        self.port = lib.free_port()
        self.where = f"{address}:{self.port}"
        self.process = None
        self.is_signed = False  # query() needs the key
        for name, text in zones.items():
            if text is not None:
                (directory / f"{name}.zone").write_text(text)

    def query(self, name, kind="TXT", tcp=False):
        signature = ["-y", SIGNATURE] if self.is_signed else []
        return lib.run("dig", f"@{self.address}", "-p", self.port, name, kind, "+noall",
                       "+comments", "+answer", "+norecurse", "+tries=2", "+time=2", check=False,
                       *signature, *([] if not tcp else ["+tcp"])).stdout

    def texts(self, name):
        return sorted(re.findall(r'\sTXT\s+"([^"]*)"', self.query(name)))

    def add(self, zone, name, value, action="add"):
        lib.run("nsupdate", "-y", SIGNATURE,
                input=f"server {self.address} {self.port}\nzone {zone}\n"
                      f"update {action} {name} {'1' if action == 'add' else ''} TXT {value}\nsend\n")

    def wait(self):
        def is_up():
            assert self.process.running, self.process.log
            answers = [self.query(zone, "SOA") for zone, text in self.zones.items()
                       if text is not None]
            return lib.can_connect_to(self.address, self.port) and all("NOERROR" in text
                                                                       for text in answers)

        try:
            lib.wait_for(is_up, f"{self.process.name} to start")
        except AssertionError:
            self.process.stop()
            raise
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


class Named(Server):
    """BIND. On loopback it uses only the configured address of the interface, 127.0.0.1."""

    def start(self, options="", recursion=False, primary=None, forwards=None, view=None,
              source=None):
        """@primary: makes it a secondary of this server; it forwards updates there.
        @forwards: {zone: server that answers queries for it}
        @view: clients that see the zones, as in named.conf; others see nothing
        @source: address of its own queries
        """
        self.is_signed = bool(view)
        keys = [f'key "{name}" {{ algorithm {algorithm}; secret "{SECRET}"; }};'
                for name, algorithm in KEYS.items()]
        zones = []
        for name in self.zones:
            if primary:
                zones.append(f'''zone "{name}" {{ type secondary; file "{name}.copy";
    primaries {{ {primary.address} port {primary.port}; }}; allow-update-forwarding {{ any; }}; }};''')
                continue
            rights = "update-policy {{ {} }};".format(
                " ".join(f"grant {key}. subdomain {name}. TXT;" for key in KEYS))
            zones.append(f'zone "{name}" {{ type primary; {rights} file "{name}.zone"; }};')
        for name, server in (forwards or {}).items():
            zones.append(f'zone "{name}" {{ type forward; forward only; '
                         f'forwarders {{ {server.address} port {server.port}; }}; }};')
        if view:
            zones = [f"view seeing {{ match-clients {{ {view} }};", *zones, "};",
                     "view blind { match-clients { any; }; };"]
        config = self.directory / "named.conf"
        config.write_text(f"""
options {{
    directory "{self.directory}";
    listen-on port {self.port} {{ {self.address}; }};
    listen-on-v6 {{ none; }};
    pid-file none; session-keyfile none; lock-file none;
    recursion {"yes" if recursion else "no"}; dnssec-validation no; minimal-responses no;
    allow-transfer {{ any; }}; notify explicit; query-source address {source or self.address};
    {options}
}};
controls {{ }};
{chr(10).join(keys)}
{chr(10).join(zones)}
""")
        # A copy: an AppArmor profile for the original path could deny access to this directory.
        program = self.directory / "named"
        shutil.copy(shutil.which("named") or "/usr/sbin/named", program)
        self.process = lib.Process("named", [program, "-g", "-n", "1", "-c", config], self.directory)
        return self.wait()


class Knot(Server):
    def start(self, primary=None):
        """@primary: makes it a secondary of this server, without NOTIFY: call refresh()."""
        zones = "\n".join(f"""
  - domain: {name}
    file: {self.directory}/{name}.zone
    acl: [transfer, update]
    zonefile-sync: -1
    journal-content: all
    {"master: primary" if primary else ""}""" for name in self.zones)
        keys = "".join(f"\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {SECRET}"
                       for name, algorithm in KEYS.items())
        config = self.directory / "knot.conf"
        config.write_text(f"""
server:
    rundir: {self.directory}
    listen: {self.address}@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {self.directory}
log:
  - target: stderr
    any: info
key:{keys}
acl:
  - id: transfer
    address: 127.0.0.0/8
    action: transfer
  - id: update
    key: [{", ".join(KEYS)}]
    action: update
    update-type: [TXT]
remote:
  - id: primary
    address: {(primary or self).address}@{(primary or self).port}
template:
  - id: default
    storage: {self.directory}
zone:{zones}
""")
        program = shutil.which("knotd") or "/usr/sbin/knotd"
        self.process = lib.Process("knot", [program, "-c", config], self.directory)
        return self.wait()

    def refresh(self):
        """Make the secondary transfer the zones from its primary."""
        lib.run("knotc", "-s", self.directory / "knot.sock", "-b", "zone-refresh")


class Silent:
    """A server that accepts connections and never answers."""

    def __init__(self, address):
        self.tcp = socket.create_server((address, 0))
        port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, port))
        self.where = f"{address}:{port}"

    def stop(self):
        self.tcp.close()
        self.udp.close()
