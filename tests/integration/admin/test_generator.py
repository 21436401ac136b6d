# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems-generator: it writes units for a configuration, and systemd accepts them."""

import os
import stat

import pytest

import lib

MGMT = "acmems-mgmt.socket.d/50-acmems.conf"
HTTP01 = "acmems-http01.socket.d/50-acmems.conf"
TLSALPN01 = "acmems-tlsalpn01.socket.d/50-acmems.conf"

# The minimum that systemd needs to load the units. Their real content does not matter here.
UNITS = {
    "acmems-mgmt.socket": "[Socket]\n",
    "acmems-http01.socket": "[Socket]\n",
    "acmems-tlsalpn01.socket": "[Socket]\n",
    "acmems-orderd.socket": "[Socket]\nListenStream=/run/acmems/orderd.sock\n",
    **{f"acmems-{name}.service": "[Service]\nExecStart=/bin/true\nProtectHome=yes\nPrivateTmp=yes\n"
       for name in ("mgmt", "mgmt@", "http01", "http01@", "tlsalpn01", "tlsalpn01@", "orderd")},
}

# An example of every kind of setting, with names that need quoting.
EVERYTHING = """
[account]
dir = /root/acme/account
ca-file = /etc/ssl/ca "1".pem
[state]
directory = /srv/acmems
runtime-directory = /srv/50% run
[mgmt]
listener = 192.0.2.1:1313
listener = [::1]:1313
listener = /run/acmems mgmt%1.sock
listener = [fe80::13%eth0]:1313
listener = [fe80::13%br-lan.5]:1313
[verification "http"]
type = http01
listener = [fe80::80%eth0]:1380
[storage "a"]
type = file
directory = /home/a:b/it's "a" \\cache
[storage "b"]
type = file
directory = /var/tmp/b
"""


class Generated:
    """One run of the generator, with the arguments that systemd passes."""

    def __init__(self, directory, config, expect="", env=None):
        self.directory, self.config = directory, directory / "acmems.ini"
        self.places = [directory / name for name in ("normal", "early", "late")]
        for place in self.places:
            place.mkdir()
        if config is not None:
            self.config.write_text(config)
        result = lib.run(lib.GENERATOR, f"--config={self.config}", *self.places,
                         env={**lib.ENVIRONMENT, **(env or {})})
        self.said = result.stderr
        assert result.stdout == ""
        if expect is not None:
            assert self.said == expect

    def files(self):
        normal = self.places[0]
        return {str(path.relative_to(normal)): path.read_text()
                for path in sorted(normal.rglob("*")) if path.is_file()}

    def settings(self, name, key):
        lines = self.files().get(name, "").splitlines()
        return [line.removeprefix(f"{key}=") for line in lines if line.startswith(f"{key}=")]

    def verify(self, *units, check=True):
        """The output of systemd-analyze verify for the units together with the generated files."""
        shipped = self.directory / "units"
        shipped.mkdir(exist_ok=True)
        for name, text in UNITS.items():
            (shipped / name).write_text(text)
        for alias in self.places[0].glob("*.service"):
            if alias.is_symlink():  # to a unit where the package installs it
                unit = shipped / os.path.basename(os.readlink(alias))
                alias.unlink()
                alias.symlink_to(unit)
        path = f"{self.places[0]}:{shipped}:/usr/lib/systemd/system"
        result = lib.run("systemd-analyze", "verify", "--man=no", *units, check=check,
                         env={**lib.ENVIRONMENT, "SYSTEMD_UNIT_PATH": path})
        return result.stderr


def test_defaults(tmp_path):
    generated = Generated(tmp_path, "")
    own = {"acmems-mgmt-::1:1313.socket": "[::1]:1313", "acmems-http01-:::1380.socket": "[::]:1380"}
    for name, stream in {MGMT: "127.0.0.1:1313", HTTP01: "0.0.0.0:1380", **own}.items():
        assert generated.settings(name, "ListenStream") == [stream]
    files = generated.files()
    wanted = {f"{name[:name.index('-', 7)]}.socket.wants/{name}" for name in own}
    assert set(files) == {HTTP01, MGMT, *own, *wanted}
    first = f"# Written by acmems-generator(8) from {generated.config}. Change the settings there, not here.\n"
    assert all(text.startswith(first) for text in files.values())
    assert generated.verify("acmems-mgmt.socket", "acmems-http01.socket") == ""


@pytest.mark.parametrize("listener, stream, free_bind", [
    ("0.0.0.0:1380", "0.0.0.0:1380", []),
    ("127.0.0.1:1380", "127.0.0.1:1380", []),
    ("192.0.2.80:1380", "192.0.2.80:1380", ["yes"]),
    ("[::]:1380", "[::]:1380", []),
    ("[::1]:1380", "[::1]:1380", ["yes"]),  # IPv6 may be disabled
    ("[2001:db8::80]:1380", "[2001:db8::80]:1380", ["yes"]),
    ("/run/http 01%.sock", "/run/http 01%%.sock", []),
])
def test_listener(tmp_path, listener, stream, free_bind):
    generated = Generated(tmp_path, f'[verification "http"]\ntype = http01\nlistener = {listener}\n')
    assert generated.settings(HTTP01, "ListenStream") == [stream]
    assert generated.settings(HTTP01, "FreeBind") == free_bind
    assert generated.verify("acmems-http01.socket") == ""


def test_kernel_without_ipv6(tmp_path):
    """The other listeners work, and a warning says what is missing."""
    generated = Generated(tmp_path, "[mgmt]\nlistener = [::1]:1313\n", expect=None,
                          env=lib.preload("no-ipv6"))
    assert generated.settings(HTTP01, "ListenStream") == ["0.0.0.0:1380"]
    assert generated.settings(MGMT, "ListenStream") == ["[::1]:1313"]  # there is no other
    assert generated.said == ("acmems-generator: acmems-http01.socket does not listen on its IPv6 addresses, "
                              "because this kernel has no IPv6. To silence this, list only the other "
                              "addresses as listener in the configuration.\n")


def test_address_of_two_blocks(tmp_path):
    generated = Generated(tmp_path, "".join(
        f'[verification "{name}"]\ntype = http01\nlistener = {listener}\n'
        for name, listener in (("http", "[::1]:1380"), ("b", "[0:0:0:0:0:0:0:1]:1380"))))
    assert generated.settings(HTTP01, "ListenStream") == ["[::1]:1380"]


def test_main_address(tmp_path):
    """The first one of the configuration, so that one added later cannot take its place."""
    generated = Generated(tmp_path, "[mgmt]\nlistener = [fe80::1%eth0]:1313\nlistener = 192.0.2.5:1313\n"
                                    "listener = 127.0.0.1:1313\nlistener = /run/a.sock\n")
    assert generated.settings(MGMT, "ListenStream") == ["192.0.2.5:1313"]
    own = {"acmems-mgmt-127.0.0.1:1313.socket": "127.0.0.1:1313", "acmems-mgmt.unix-\\x2frun\\x2fa.sock.socket": "/run/a.sock",
           "acmems-mgmt-eth0-fe80::1:1313.socket": "[fe80::1]:1313"}
    for name, stream in own.items():
        assert generated.settings(name, "ListenStream") == [stream]
    assert generated.verify("acmems-mgmt.socket") == ""


def test_none(tmp_path):
    generated = Generated(tmp_path, '[mgmt]\nlistener =\n'
                                    '[verification "http"]\ntype = http01\nlistener =\n')
    assert generated.files() == {}
    assert "no Listen setting" in generated.verify("acmems-mgmt.socket", check=False)


def test_interfaces(tmp_path):
    generated = Generated(tmp_path, EVERYTHING)
    own = ["acmems-mgmt-eth0-fe80::13:1313.socket", "acmems-mgmt-br\\x2dlan.5-fe80::13:1313.socket"]
    assert "[fe80::13]:1313" not in generated.settings(MGMT, "ListenStream")
    for name, interface in zip(own, ("eth0", "br-lan.5")):
        assert generated.settings(name, "ListenStream") == ["[fe80::13]:1313"]
        assert generated.settings(name, "BindToDevice") == [interface]
        alias = generated.places[0] / name.replace(".socket", ".service")
        assert os.path.basename(os.readlink(alias)) == "acmems-mgmt.service"
        link = generated.places[0] / "acmems-mgmt.socket.wants" / name
        assert os.readlink(link) == f"../{name}"
    # alone, it needs no unit of its own
    assert generated.settings(HTTP01, "ListenStream") == ["[fe80::80]:1380"]
    assert generated.settings(HTTP01, "BindToDevice") == ["eth0"]
    assert not [name for name in generated.files() if name.startswith("acmems-http01-")]
    assert generated.verify("acmems-mgmt.socket", "acmems-http01.socket") == ""


def test_directories(tmp_path):
    generated = Generated(tmp_path, EVERYTHING)
    runtime = "/srv/50%% run"
    assert generated.settings("acmems-orderd.socket.d/50-acmems.conf", "ListenStream") == [
        "", f"{runtime}/orderd.sock"]
    orderd = "acmems-orderd.service.d/50-acmems.conf"
    assert generated.settings(orderd, "ReadWritePaths") == [f'"-{runtime}"', "-/srv/acmems"]
    hidden = [r'''"-/home/a:b/it's \"a\" \\cache"''', "-/root/acme/account", "-/var/tmp/b"]
    assert generated.settings(orderd, "BindPaths") == hidden
    assert generated.settings(orderd, "ReadOnlyPaths") == [r'"-/etc/ssl/ca \"1\".pem"']
    for suffix in ("", "@"):
        mgmt = f"acmems-mgmt{suffix}.service.d/50-acmems.conf"
        assert generated.settings(mgmt, "BindReadOnlyPaths") == [
            f'"-{runtime}"', hidden[0], hidden[2]]
        assert generated.settings(mgmt, "ProtectHome") == ["tmpfs"]
        http01 = f"acmems-http01{suffix}.service.d/50-acmems.conf"
        assert generated.settings(http01, "Environment") == [
            f'"ACMEMS_CHALLENGES={runtime}/challenges/http-01"']
        assert generated.settings(http01, "BindReadOnlyPaths") == [
            f'"-{runtime}/challenges/http-01"']
    assert generated.verify("acmems-orderd.service", "acmems-mgmt.service", "acmems-http01.service",
                            "acmems-mgmt@1.service", "acmems-http01@1.service") == ""


@pytest.mark.parametrize("target,family,address", [
    ("127.0.0.1:8443", "AF_INET", "127.0.0.1"),
    ("[2001:db8::1]:443", "AF_INET6", "2001:db8::1")])
def test_passthrough(tmp_path, target, family, address):
    """The sandbox permits only this address."""
    generated = Generated(tmp_path, '[verification "tls"]\ntype = tls-alpn01\n'
                                    f'listener = 0.0.0.0:443\npassthrough = {target}\n')
    assert generated.settings(TLSALPN01, "ListenStream") == ["0.0.0.0:443"]
    for suffix in ("", "@"):
        name = f"acmems-tlsalpn01{suffix}.service.d/50-acmems.conf"
        assert generated.settings(name, "Environment") == [f'"ACMEMS_PASSTHROUGH={target}"']
        assert generated.settings(name, "PrivateNetwork") == ["no"]
        assert generated.settings(name, "RestrictAddressFamilies") == [family]
        assert generated.settings(name, "IPAddressDeny") == ["any"]
        assert generated.settings(name, "IPAddressAllow") == [address]
    assert generated.verify("acmems-tlsalpn01.socket", "acmems-tlsalpn01.service",
                            "acmems-tlsalpn01@1.service") == ""


def test_passthrough_with_proxy_protocol(tmp_path):
    generated = Generated(tmp_path, '[verification "tls"]\ntype = tls-alpn01\nlistener = 0.0.0.0:443\n'
                                    "passthrough = 127.0.0.1:8443\npassthrough-proxy-protocol = yes\n")
    for suffix in ("", "@"):
        assert generated.settings(f"acmems-tlsalpn01{suffix}.service.d/50-acmems.conf", "Environment") == [
            '"ACMEMS_PASSTHROUGH=127.0.0.1:8443"', 'ACMEMS_PASSTHROUGH_PROXY_PROTOCOL=yes']


def test_front_servers(tmp_path):
    """One program serves all blocks: it gets the addresses of all of them."""
    generated = Generated(tmp_path, '[verification "a"]\ntype = http01\nproxy-protocol = 127.0.0.1\n'
                                    "proxy-protocol = 2001:db8::/32\n"
                                    '[verification "b"]\ntype = http01\nproxy-protocol = 192.0.2.0/24\n')
    for suffix in ("", "@"):
        assert generated.settings(f"acmems-http01{suffix}.service.d/50-acmems.conf", "Environment") == [
            '"ACMEMS_PROXY_PROTOCOL=127.0.0.1/32,2001:db8::/32,192.0.2.0/24"']


def test_systemd_reports_errors(tmp_path):
    """systemd-analyze reports errors, so its silence in the other tests proves something."""
    generated = Generated(tmp_path, "")
    with open(generated.places[0] / MGMT, "a", encoding="utf-8") as file:
        file.write("ListenStream=[::1\nBindToDevice=a/b\n")
    said = generated.verify("acmems-mgmt.socket", check=False)
    assert "[::1" in said and "a/b" in said


def test_broken(tmp_path):
    generated = Generated(tmp_path, '[mgmt]\nlistener = 1313\nlistener = 127.0.0.1:1313\n'
                                    '[auth "a"]\nall = perhaps\ndomian = x\n', expect=None)
    config = generated.config
    assert [line.partition(" error: ")[0] for line in generated.said.splitlines()] == [
        f"acmems-generator: {config}:{line}:" for line in (2, 5, 6)]
    assert generated.settings(MGMT, "ListenStream") == ["127.0.0.1:1313"]
    assert generated.settings(HTTP01, "ListenStream") == ["0.0.0.0:1380"]


def test_unreadable_lines(tmp_path):
    """An unreadable line could be a listener: then the section's defaults do not apply."""
    generated = Generated(tmp_path, '[mgmt]\nlistener = 127.0.0.1:1313\n'
                                    '[verification "http"\ntype = http01\n'
                                    'listener = 127.0.0.1:1380\n', expect=None)
    assert f"{generated.config}:3: error: " in generated.said
    assert list(generated.files()) == [MGMT]


def test_warnings_are_not_reported(tmp_path):
    Generated(tmp_path, "[setup]\n[mgmt]\nmax-siz = 1\n")


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo"])
def test_no_configuration(tmp_path, kind):
    if kind == "directory":
        (tmp_path / "acmems.ini").mkdir()
    elif kind == "fifo":
        os.mkfifo(tmp_path / "acmems.ini")
    generated = Generated(tmp_path, None, expect=None)
    assert f"{generated.config}: error: " in generated.said
    assert generated.files() == {}


def test_writes_only_into_the_first_directory(tmp_path):
    before = set(tmp_path.iterdir())
    generated = Generated(tmp_path, EVERYTHING)
    normal, early, late = generated.places
    assert set(tmp_path.iterdir()) - before == {generated.config, normal, early, late}
    assert list(early.iterdir()) == list(late.iterdir()) == []
    for path in normal.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert path.is_symlink() or mode == (0o755 if path.is_dir() else 0o644)


def test_one_directory(tmp_path):
    config = tmp_path / "acmems.ini"
    config.write_text("")
    (tmp_path / "units").mkdir()
    lib.run(lib.GENERATOR, "--config", config, tmp_path / "units")
    assert (tmp_path / "units" / MGMT).exists()


def test_cannot_write(tmp_path):
    config = tmp_path / "acmems.ini"
    config.write_text("")
    result = lib.run(lib.GENERATOR, "--config", config, tmp_path / "missing")
    assert f"Failed to open the directory '{tmp_path}/missing'" in result.stderr
    (tmp_path / "acmems-mgmt.socket.d").write_text("not a directory")
    result = lib.run(lib.GENERATOR, "--config", config, tmp_path)
    assert "Failed to write socket units" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "b", "c", "d"],
                                       ["--config=relative.ini", "a"]])
def test_wrong_use(arguments):
    result = lib.run(lib.GENERATOR, *arguments, check=False)
    assert result.returncode == 1 and result.stderr.startswith("acmems-generator: ")


def test_kernel_log(tmp_path):
    """systemd connects standard error to /dev/null. A file replaces the kernel log."""
    config, dev = tmp_path / "acmems.ini", tmp_path / "dev"
    config.write_text("[mgmt]\nlistener = 1313\n")
    dev.mkdir()
    for name in ("kmsg", "null"):
        (dev / name).touch()
    script = """mount --bind /dev/null "$1/null" && mount --rbind "$1" /dev && shift &&
                exec "$@" 2>/dev/null"""
    lib.run("unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", dev,
            lib.GENERATOR, f"--config={config}", tmp_path)
    said = (dev / "kmsg").read_text()
    assert said.startswith("<3>acmems-generator[") and f"]: {config}:2: error: " in said


def test_many_blocks(tmp_path):
    blocks = "".join(f'[auth "{i}"]\nhmac_type = sha256\nhmac_key = the key of host {i}\ndomain = {i}.example.org\n'
                     for i in range(10000))
    generated = Generated(tmp_path, f"[mgmt]\nlistener = 127.0.0.1:1\n{blocks}")
    assert generated.settings(MGMT, "ListenStream") == ["127.0.0.1:1"]


def test_many_listeners(tmp_path):
    listeners = [f"127.{i >> 8}.{i & 255}.1:1" for i in range(2000)]
    lines = "".join(f"listener = {listener}\n" for listener in listeners)
    generated = Generated(tmp_path, f"[mgmt]\n{lines}{lines}")
    assert generated.settings(MGMT, "ListenStream") == listeners[:1]
    assert sum(name.startswith("acmems-mgmt-") for name in generated.files()) == len(listeners) - 1
