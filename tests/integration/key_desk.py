"""Accounts whose keys a gateway holds: their files, the configuration that names them, and who may use them."""
import json
import subprocess

TOKEN = "tok-0123456789abcdef0123456789abcdef"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


class Desk:
    """The files of some accounts, and the configuration that names them."""

    def __init__(self, folder):
        self.folder = folder
        self.accounts = {}
        self.tokens = write(folder / "tokens", f"# bots\n{TOKEN}\n")

    def add(self, name, key, secret_file, users=(), hosts=(), tokens=True):
        self.accounts[name] = {"key_file": str(write(self.folder / f"{name}.key", key + "\n")),
                               "secret_file": str(secret_file),
                               "clients": {**({"token_file": str(self.tokens)} if tokens else {}),
                                           **({"users": [str(u) for u in users]} if users else {}),
                                           **({"hosts": list(hosts)} if hosts else {})}}
        return self

    def add_hmac(self, name, key, secret, **more):
        return self.add(name, key, write(self.folder / f"{name}.secret", secret + "\n"), **more)

    def config(self, **settings):
        # JSON is YAML.
        path = self.folder / "weir.yaml"
        path.write_text(json.dumps({**settings, "accounts": self.accounts, "log": {"level": "debug"}}))
        return str(path)


def use(account, token=TOKEN, **more):
    return {"X-Weir-Account": account, "Authorization": f"Bearer {token}", **more}
