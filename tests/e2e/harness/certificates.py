"""Certificates for test peers and for sites with files, made by python3-cryptography."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(folder, stem, certificate, key):
    chain = folder / f"{stem}.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / f"{stem}.key"
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return chain, private


def self_signed(folder, stem, names, days=30, age=1 / 24, key=None):
    """Writes stem.pem and stem.key; returns both paths. It is its own root. `age`: days that it has
    been valid for. `key`: a P-256 one if it is not given."""
    alternatives = [_alternative(n) for n in names or [stem]]
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(stem)).issuer_name(_name(stem))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=age))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternatives), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    return _write(folder, stem, certificate, key)


def private_key(pem, file):
    """Writes a key that came in PEM."""
    key = serialization.load_pem_private_key(pem, None)
    file.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return file


CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


class Authority:
    """A CA that gives clients their certificates; `pem` is its root."""

    def __init__(self, folder, stem):
        self.folder, self.stem = folder, stem
        self.pem, private = self_signed(folder, stem, [])
        self.key = serialization.load_pem_private_key(private.read_bytes(), None)

    def client(self, stem, purpose=CLIENT, days=30):
        """Writes a chain and its key; both paths. `days` below 0: it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = datetime.datetime.utcnow() + datetime.timedelta(days=days)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(stem)).issuer_name(_name(self.stem))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(end - datetime.timedelta(days=60)).not_valid_after(end)
            .add_extension(x509.ExtendedKeyUsage([purpose]), False)
            .sign(self.key, hashes.SHA256())
        )
        return _write(self.folder, stem, certificate, key)
