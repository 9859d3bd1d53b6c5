"""A CA with an OCSP responder, `openssl ocsp`; and clients that insist on a staple."""

import datetime
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from .certificates import Authority, _name, _write
from .process import Process


class OcspCa(Authority):
    """Its `index` is what openssl ca would keep; `responder` is its delegate's chain and key."""

    def __init__(self, folder, port):
        super().__init__(folder, "ocsp-ca")
        self.url = f"http://127.0.0.1:{port}"
        self.index = folder / "index.txt"
        self.responder = self._issue("responder", [
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)])

    def server(self, stem, names):
        """Writes a chain, the CA included, and its key; both paths."""
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(self.url))
        chain, key = self._issue(stem, [
            (x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False),
            (x509.AuthorityInformationAccess([access]), False)])
        chain.write_bytes(chain.read_bytes() + self.pem.read_bytes())
        return chain, key

    def _issue(self, stem, extensions):
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(stem)).issuer_name(_name(self.stem))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=60))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return _write(self.folder, stem, builder.sign(self.key, hashes.SHA256()), key)


def write_index(index, *serials, revoked=False):
    """What the CA knows: these certificates alone."""
    status, moment = ("R", "260101000000Z,keyCompromise") if revoked else ("V", "")
    lines = []
    for serial in serials:
        number = f"{serial:x}".upper()
        number = "0" * (len(number) % 2) + number
        lines.append(f"{status}\t461231235959Z\t{moment}\t{number}\tunknown\t/CN={number}\n")
    index.write_text("".join(lines))


class OcspResponder(Process):
    """Answers for `index` at `port`, signed by `signer` (chain, key) of the CA in `ca_file`, with
    responses that hold for an hour."""

    def __init__(self, port, index, ca_file, signer):
        super().__init__("openssl", "ocsp", "-port", port, "-index", index, "-CA", ca_file,
                         "-rsigner", signer[0], "-rkey", signer[1], "-nmin", 60)
        self.wait_for_line("ACCEPT|waiting for OCSP client")


def shown_status(port, name, *options):
    """What `openssl s_client -status` says of the staple, and of the certificate below it."""
    shown = subprocess.run(
        ["openssl", "s_client", "-status", "-connect", f"127.0.0.1:{port}", "-servername", name,
         *options],
        input="", capture_output=True, text=True, timeout=60)
    return shown.stdout


def insists(port, name, ca_file):
    """Whether curl, which wants a staple that says "good", gets its answer."""
    return subprocess.run(
        ["curl", "--silent", "--cert-status", "--cacert", ca_file, "--noproxy", "*", "--resolve",
         f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/"],
        capture_output=True, timeout=60).returncode == 0
