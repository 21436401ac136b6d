# SPDX-License-Identifier: GPL-3.0-or-later
"""acmemsctl check: what it finds in a configuration that the programs accept."""

import subprocess

import lib
import pytest

UNREACHABLE = "because [mgmt] listens on loopback only"


def check(path, text):
    path.write_text(text)
    return lib.run(lib.CTL, "check", path).stdout


@pytest.mark.parametrize("mgmt, ip, is_unreachable", [
    ("", "192.0.2.0/24", True),  # the default listeners
    ("listener = 127.0.0.1:1313\nlistener = /run/acmems/sign.sock\n", "2001:db8::/32", True),
    ("listener = 127.0.0.1:1313\nlistener = 192.0.2.1:1313\n", "192.0.2.0/24", False),
    ("listener =\n", "192.0.2.0/24", False),  # another program has the socket
    ("proxy-protocol = 127.0.0.1\n", "192.0.2.0/24", False),  # a front server tells the client's address
    ("", "127.0.0.0/8", False),
    ("", "127.0.0.2", False),
    ("", "::1", False),
])
def test_loopback_listeners(tmp_path, mgmt, ip, is_unreachable):
    """New users write an auth block for their network and leave the listeners as they are."""
    output = check(tmp_path / "acmems.ini",
                   f'[mgmt]\n{mgmt}[auth "mail"]\nip = {ip}\ndomain = mail.example.org\n')
    line = mgmt.count("\n") + 2
    assert (f'acmems.ini:{line}: warning: no client can match [auth "mail"], {UNREACHABLE}' in output) == is_unreachable
    assert output.endswith("ok, 1 auth block, 1 warning\n" if is_unreachable else "ok, 1 auth block\n")


@pytest.mark.parametrize("ip, remote", [
    ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"), ("127.0.0.1\nip = 10.0.0.0/8", "10.0.0.0/8"),
    ("192.0.2.0/24\nip = ::1\nip = 2001:db8::/32", "192.0.2.0/24, 2001:db8::/32"), ("127.0.0.1\nip = ::1", None),
])
def test_loopback_listeners_and_networks(tmp_path, ip, remote):
    """A client on this machine matches, and no other one."""
    output = check(tmp_path / "acmems.ini", f'[auth "mail"]\nip = {ip}\ndomain = mail.example.org\n')
    said = f'no client on another machine can match [auth "mail"] (ip = {remote}), {UNREACHABLE}; add a listener'
    assert (said in output) == ("warning" in output) == bool(remote), output


def test_unix_listeners(tmp_path):
    """Their clients have no address: no block with ip matches one, one without ip does."""
    hmac = "hmac_type = sha256\nhmac_key = 0123456789abcdef\ndomain = *\n"
    output = check(tmp_path / "acmems.ini", "[mgmt]\nlistener = /run/acmems/sign.sock\n"
                   f'[auth "a"]\nip = 127.0.0.1\ndomain = *\n[auth "b"]\nip = ::/0\n{hmac}[auth "c"]\n{hmac}')
    for name in "ab":
        assert f'no client can match ip of [auth "{name}"], because [mgmt] listens on unix sockets only' in output
    assert "loopback" not in output and output.endswith("ok, 3 auth blocks, 2 warnings\n"), output


@pytest.mark.parametrize("ca_file, why", [
    ("missing.pem", "cannot be read: No such file or directory"), ("acmems.ini/ca.pem", "cannot be read: Not a directory"),
    ("", "cannot be read: Is a directory"), ("empty.pem", "contains no certificate in PEM form"),
    ("ca.der", "is in DER form: convert it with openssl x509 -inform DER"), ("ca.pem", None),
])
def test_unusable_ca_file(tmp_path, ca_file, why):
    """It is named wherever the configuration and the file are."""
    (tmp_path / "empty.pem").write_text("")
    for form in "PEM", "DER":
        lib.run("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=ca", "-outform", form,
                "-keyout", tmp_path / "ca.key", "-out", tmp_path / f"ca.{form.lower()}")
    path = tmp_path / ca_file
    output = check(tmp_path / "acmems.ini", f"[account]\nacme-server = https://ca.example.org/\nca-file = {path}\n")
    assert (f"acmems.ini:3: warning: ca-file '{path}' {why}\n" in output) == ("warning" in output) == bool(why), output


def test_loopback_listeners_with_hmac(tmp_path):
    """A front server on this machine passes the HMAC on: only addresses are lost."""
    assert "warning" not in check(
        tmp_path / "acmems.ini",
        '[auth "mail"]\nhmac_type = sha256\nhmac_key = 0123456789abcdef\ndomain = mail.example.org\n')


# ---- root looks as the owner of the state -------------------------------------------------------

# A copy of /etc, an empty /var/lib, and the user acmems with a state directory.
MACHINE = """
mount -t tmpfs -o mode=0755 tmpfs "$0"
cp -a /etc "$0"/etc && mount --bind "$0"/etc /etc
mount -t tmpfs -o mode=0755 tmpfs /var/lib
sed -i '/^acmems/d' /etc/passwd /etc/group
echo acmems:x:64001:64001::/:/bin/false >>/etc/passwd
echo acmems:x:64001: >>/etc/group
mkdir -p /etc/acmems /var/lib/roots
install -d -o acmems -g acmems -m 0750 /var/lib/acmems
install -d -o acmems -g acmems -m 0700 /var/lib/acmems/account
echo secret >/var/lib/roots/account.pem
chmod 0600 /var/lib/roots/account.pem
echo ready
read
"""


class Machine:
    """A mount namespace in which this machine has an installation of acmems."""

    def __init__(self, directory):
        self._process = subprocess.Popen(["unshare", "--mount", "bash", "-ec", MACHINE, directory],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == b"ready\n"

    def sh(self, script, check=True):
        return lib.run("nsenter", "-t", self._process.pid, "--mount", "bash", "-ec", script, check=check).stdout

    def become_acmems(self, script):
        """Run what an attacker in acmems-orderd may do."""
        self.sh(f"setpriv --reuid=64001 --regid=64001 --clear-groups bash -ec '{script}'")

    def check(self, more=""):
        """Return the warnings that concern files."""
        config = ("[account]\nacme-server = https://127.0.0.1:1/dir\naccept-terms-of-service = yes\n" + more +
                  '[auth "a"]\nip = 127.0.0.1\ndomain = *\n')
        self.sh(f"cat >/etc/acmems/acmems.ini <<'END'\n{config}END")
        lines = self.sh(f"{lib.CTL} check", check=False).splitlines()
        return [line for line in lines[:-1] if "no process listens" not in line]

    def follow(self, warnings):
        """Do what an administrator does with the commands."""
        for text in warnings:
            command = text.partition(": run ")[2] or text.partition(": create it with ")[2].partition(", then ")[0]
            self.sh(command, check=False)

    def files_of_root(self):
        return self.sh("find /etc /var/lib/roots -not -path /etc/acmems/acmems.ini -printf '%p %l %U:%G %m\\n' | sort")

    def stop(self):
        self._process.communicate(b"\n")


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


TSIG = '[verification "d"]\ntype = dns01-dnsUpdate\ntsig-key-file = /var/lib/acmems/{}\n'
STORAGE = '[storage "s"]\ntype = file\ndirectory = /var/lib/acmems-cache/{}\n'
LINK = "a symbolic link"


@pytest.mark.parametrize("attack, more, words", [
    ("ln -s /etc/passwd account/account.pem", "", LINK),
    ("ln -s /var/lib/roots/account.pem account/account.pem", "", LINK),
    ("ln -s /dev/null account/account.pem", "", LINK),
    ("mkfifo account/account.pem", "", "is not a regular file: remove it"),
    ("mkdir account/account.pem", "", "is not a regular file: remove it"),
    ("rmdir account; ln -s /var/lib/roots account", "", LINK),
    ("ln -s /etc accounts", '[account "ssl"]\n', LINK),
    ("ln -s /etc/passwd account/registration.json", "", None),
    ("ln -s /var/lib/roots/account.pem tsig", TSIG.format("tsig"), "cannot be read: Permission denied"),
    ("ln -s /etc/shadow eab", "eab-kid = k\neab-hmac-key-file = /var/lib/acmems/eab\n", LINK),
    ("ln -s /etc/shadow ca.pem", "ca-file = /var/lib/acmems/ca.pem\n", LINK),
    ("ln -s /etc run", "[state]\nruntime-directory = /var/lib/acmems/run/acmems\n", "runtime directory"),
    ("ln -s /etc ../acmems-cache/a", STORAGE.format("a/new"), LINK),
    ("ln -s /etc/new ../acmems-cache/a", STORAGE.format("a"), LINK),
])
def test_links_do_not_lead_root(machine, attack, more, words):
    """acmems puts a link or something else into its directory. Root opens nothing there, and the commands that root
    is told to run change no file of root."""
    machine.sh("install -d -o acmems -g acmems /var/lib/acmems-cache")
    machine.become_acmems(f"cd /var/lib/acmems; {attack}")
    before = machine.files_of_root()
    warnings = machine.check(more)
    assert words is None or any(words in text for text in warnings), warnings
    # Root could read it.
    assert not [text for text in warnings if "PEM form" in text and "roots" in attack], warnings
    machine.follow(warnings)
    assert machine.files_of_root() == before


def test_link_after_the_check(machine):
    """acmems waits with its link until the administrator has the command."""
    machine.sh("install -d -o acmems -g acmems /var/lib/acmems-cache && "
               "openssl genpkey -algorithm ed25519 | install -m 0644 /dev/stdin /var/lib/acmems/account/account.pem")
    warnings = machine.check(STORAGE.format("new"))
    assert len(warnings) == 3, warnings
    before = machine.files_of_root()
    machine.become_acmems("cd /var/lib/acmems; rm -f account/account.pem; ln -s /etc/passwd account/account.pem; "
                          "ln -s /etc ../acmems-cache/new")
    machine.follow(warnings)
    assert machine.files_of_root() == before


def test_commands_for_files_of_acmems(machine):
    """The commands are all that is needed, in a directory of acmems, too."""
    machine.sh("install -d -o acmems -g acmems /var/lib/acmems-cache && cd /var/lib/acmems/account && umask 022 && "
               "openssl ecparam -genkey -name prime256v1 -noout -out account.pem && chmod 0644 account.pem && "
               "ln -s acmems/account /var/lib/link")
    more = "dir = /var/lib/link\n" + STORAGE.format("new")
    warnings = machine.check(more)
    assert len(warnings) == 2, warnings
    machine.follow(warnings)
    assert machine.check(more) == []
    assert machine.sh("stat -c '%U %a' /var/lib/acmems/account/account.pem /var/lib/acmems-cache/new") == \
        "acmems 400\nacmems 750\n"


def test_directory_of_somebody_else(machine):
    machine.sh("install -d -o daemon /var/lib/other && install -d -m 0777 /var/lib/all")
    for directory in "other", "all":
        warnings = machine.check(f'[storage "s"]\ntype = file\ndirectory = /var/lib/{directory}/new\n')
        assert f"other users than root and acmems can change '/var/lib/{directory}': choose another directory" \
            in warnings[0]


def test_key_file_where_only_root_can_read(machine):
    """Its own owner cannot replace it: root reads it, and says that acmems-orderd cannot."""
    machine.sh("install -d -m 0700 /var/lib/keys && install -m 0400 -o daemon /dev/stdin /var/lib/keys/tsig <<<"
               """'key "k" { algorithm hmac-sha256; secret "c2VjcmV0LW9mLXRoZS1rZXk="; };'""")
    warnings = machine.check(TSIG.format("../keys/tsig").replace("/acmems/..", ""))
    assert len(warnings) == 1 and "acmems-orderd cannot read tsig-key-file '/var/lib/keys/tsig'" in warnings[0], warnings


def write_account(machine, text):
    machine.sh("cd /var/lib/acmems/account && openssl ecparam -genkey -name prime256v1 -noout -out account.pem && "
               f"printf %s '{text}' >registration.json && chown acmems: * && chmod 0600 *")


COMMAND = "--register --accept-terms-of-service /etc/acmems/acmems.ini"


@pytest.mark.parametrize("text, words", [
    ('{"body": {"status": "deactivated"}, "uri": "https://127.0.0.1:1/a"}',
     "the account at https://127.0.0.1:1/dir is deactivated: run acme-register --gen-key --override-existing-key "),
    ('{"body": {"status": "revoked"}, "uri": "https://127.0.0.1:1/a"}', "the account at https://127.0.0.1:1/dir is revoked"),
    ('{"body": {', "'/var/lib/acmems/account/registration.json' is not the registration of an account in JSON: remove it, "
     "and run acme-register --register "),
    ('{"body": {"status": "valid"}, "uri": "https://127.0.0.1:1/a"}', None), ('{"body": {}, "uri": "https://127.0.0.1:1/a"}', None),
])
def test_account_that_cannot_order(machine, text, words):
    write_account(machine, text)
    warnings = machine.check()
    assert len(warnings) == bool(words), warnings
    assert not words or (words in warnings[0] and warnings[0].endswith(COMMAND)), warnings


def test_missing_external_key(machine):
    """acmems-orderd needs it until it has registered the account."""
    external = "eab-kid = k\neab-hmac-key-file = /etc/acmems/eab\n"
    warnings = machine.check(external)
    assert len(warnings) == 1 and warnings[0].endswith("cannot read eab-hmac-key-file '/etc/acmems/eab': "
                                                       "No such file or directory"), warnings
    write_account(machine, '{"body": {}, "uri": "https://127.0.0.1:1/a"}')
    assert machine.check(external) == []


def test_revoke_does_not_follow_links(machine):
    """A file of the cache may be the argument."""
    machine.check()
    machine.become_acmems("ln -s /var/lib/roots/account.pem /var/lib/acmems/cert.pem")
    said = machine.sh(f"{lib.CTL} revoke /var/lib/acmems/cert.pem 2>&1", check=False)
    assert "/var/lib/acmems/cert.pem: Permission denied" in said
