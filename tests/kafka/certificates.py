"""Certificates for tests, made with the openssl command: an authority, a server, clients."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

DAYS = "30"
EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority whose files lie in one folder, readable by their owner alone."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """Make the authority's own key and certificate."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        made = cls(folder)
        own = ("-keyout", str(folder / "ca.key"), "-out", str(made.certificate))
        _openssl("req", "-x509", *EC_KEY, "-days", DAYS, "-subj", "/CN=test authority", *own)
        return made

    @property
    def certificate(self) -> Path:
        """What clients and brokers trust."""
        return self.folder / "ca.pem"

    def issue(self, name: str, usage: str = "clientAuth") -> tuple[Path, Path]:
        """A certificate for a common name, and its key; it is good for 127.0.0.1 as well."""
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        signed = ("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key"))
        extensions = (
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "basicConstraints=critical,CA:false",
            f"extendedKeyUsage={usage}",
        )
        added = [word for extension in extensions for word in ("-addext", extension)]
        own = ("-keyout", str(key), "-out", str(certificate))
        subject = ("-subj", f"/CN={name}")
        _openssl("req", "-x509", *EC_KEY, "-days", DAYS, *subject, *signed, *added, *own)
        return certificate, key

    def encrypted_key(self, name: str, password: str) -> Path:
        """A client's key once more, under a password."""
        path = self.folder / f"{name}.encrypted.key"
        files = ("-in", str(self.folder / f"{name}.key"), "-out", str(path))
        _openssl("pkey", *files, "-aes256", "-passout", f"pass:{password}")
        return path

    def server_store(self) -> Path:
        """The broker's key and certificate in one PEM file, as Kafka takes them."""
        path = self.folder / "server.store.pem"
        if not path.exists():
            certificate, key = self.issue("server", "serverAuth")
            path.write_text(key.read_text() + certificate.read_text())
        return path


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
