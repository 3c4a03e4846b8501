"""Certificates for tests, made by openssl(1): small keys, so that it is fast."""

import subprocess
from pathlib import Path


def openssl(*args, data=None, timeout=20):
    """Run it; what it printed."""
    done = subprocess.run(["openssl", *map(str, args)], input=data,
                          capture_output=True, timeout=timeout)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


def serial(*args, **kw):
    text = openssl("x509", "-noout", "-serial", *args, **kw)
    return text.decode().strip().removeprefix("serial=")


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, folder, name):
        self.name = name
        self.cert = Path(folder) / f"{name}.pem"
        self.key = Path(folder) / f"{name}.key"

    def options(self):
        return [f"--sslcert={self.cert}", f"--sslkey={self.key}"]

    def serial(self):
        """In hexadecimal."""
        return serial("-in", self.cert)

    def put(self, cert, key):
        """Replace both by those of others: written aside, then renamed."""
        for old, new in (self.cert, cert), (self.key, key):
            aside = old.with_suffix(".new")
            aside.write_bytes(Path(new).read_bytes())
            aside.rename(old)


class Authority(Pair):
    """Signs what is asked for; above: the authority that has signed this one."""

    def __init__(self, folder, name="ca", above=None):
        super().__init__(folder, name)
        self.folder = Path(folder)
        signer = ["-CA", above.cert, "-CAkey", above.key] if above else []
        openssl("req", "-x509", "-newkey", "ec", "-nodes", "-days", 2,
                "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", self.key,
                "-out", self.cert, "-subj", f"/CN={name}", *signer)

    def issue(self, name, *names, subject=None, days=2):
        """A pair called `name`, for these names (default: localhost).

        A name is one of a host, or has its kind before it: IP:127.0.0.1.
        """
        pair = Pair(self.folder, name)
        alt = ",".join(n if ":" in n else f"DNS:{n}"
                       for n in names or ["localhost"])
        request = openssl(
            "req", "-newkey", "ec", "-nodes", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-keyout", pair.key, "-subj",
            subject or f"/CN={name}", "-addext", f"subjectAltName={alt}")
        openssl("x509", "-req", "-CA", self.cert, "-CAkey", self.key,
                "-copy_extensions", "copy", "-days", days, "-out", pair.cert,
                data=request)
        return pair

    def staple(self, pair, minutes=60):
        """A DER file that says that the certificate is good, for so long.

        None: it does not say for how long.
        """
        out = self.folder / f"{pair.name}.ocsp"
        index = self.folder / f"{pair.name}.index"
        index.write_text(
            f"V\t491231235959Z\t\t{pair.serial()}\tunknown\t/CN=x\n")
        openssl("ocsp", "-index", index, "-CA", self.cert, "-rsigner",
                self.cert, "-rkey", self.key, "-issuer", self.cert, "-cert",
                pair.cert, "-respout", out,
                *(["-nmin", minutes] if minutes else []))
        return out
