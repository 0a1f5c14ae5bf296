"""Signs and checks the heads of scans: ed25519 by a key in a file, ed25519 or ECDSA by one in AWS KMS."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from partywall.errors import UserError
from partywall.evidence.rows import sha256
from partywall.lake.writer import write_error

ED25519: Final = "ed25519"
ECDSA: Final = "ecdsa-p256-sha256"
KMS: Final = "kms:"
# KMS: page "Key spec reference"; RAW messages are hashed by KMS as the algorithm says.
_KMS_ALGORITHMS: Final = {
    "ECC_NIST_EDWARDS25519": (ED25519, "ED25519_SHA_512"),
    "ECC_NIST_P256": (ECDSA, "ECDSA_SHA_256"),
}


class Signer(Protocol):
    """Something that signs: `algorithm` is ed25519 or ecdsa-p256-sha256, `public_key` DER (SPKI)."""

    @property
    def algorithm(self) -> str:
        """How it signs."""
        ...

    @property
    def public_key(self) -> bytes:
        """The public half of its key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature over a message. Raises UserError where it cannot be made."""
        ...


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs with an ed25519 private key out of a file."""

    key: Any
    public_key: bytes
    algorithm: str = ED25519

    def sign(self, message: bytes) -> bytes:
        """The signature over a message."""
        return cast(bytes, self.key.sign(message))


@dataclass(frozen=True, slots=True)
class KmsSigner:
    """Signs with an asymmetric key in AWS KMS, which never leaves it (kms:Sign, kms:GetPublicKey)."""

    client: Any
    key_id: str
    kms_algorithm: str
    public_key: bytes
    algorithm: str

    def sign(self, message: bytes) -> bytes:
        """The signature over a message. Raises UserError where KMS refuses."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.client.sign(
                KeyId=self.key_id,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm=self.kms_algorithm,
            )
        except (ClientError, BotoCoreError) as error:
            raise UserError(f"KMS did not sign with {self.key_id}: {error}") from error
        return cast(bytes, answer["Signature"])


def load_signer(key: str, session: Any = None) -> Signer:
    """The signer that `--sign-key` names: a PEM file, or kms: and a key's ARN.

    `session` is a botocore session whose credentials may use the key. Raises UserError for what is no key.
    """
    return _kms(key.removeprefix(KMS), session) if key.startswith(KMS) else _file(Path(key))


def new_key(path: Path) -> Path:
    """Makes an ed25519 key pair: the private key at `path`, readable by its owner only, and `path`.pub.

    Returns the latter's path; raises UserError where a file is there already.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = path.with_name(path.name + ".pub")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        public.write_bytes(pem_of(_spki(key.public_key())))
    except FileExistsError:
        raise UserError(f"{path} exists already; name another file") from None
    except OSError as error:
        raise write_error(path, error) from error
    return public


def read_public_key(path: Path) -> bytes:
    """A public key out of a PEM file, as DER. Raises UserError for what is none."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return _spki(load_pem_public_key(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} is no public key in PEM ({error})") from error


def key_id(public_key: bytes) -> str:
    """The name of a key: the sha256 of its public half."""
    return sha256(public_key)


def pem_of(public_key: bytes) -> bytes:
    """A public key (DER) as PEM."""
    text = base64.b64encode(public_key).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()


def is_signed(public_key: bytes, algorithm: str, message: bytes, signature: bytes) -> bool:
    """Whether a signature over a message was made with the private half of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA as Ecdsa
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
        if algorithm == ED25519 and isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
            return True
        if algorithm == ECDSA and isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, message, Ecdsa(SHA256()))
            return True
    except (InvalidSignature, ValueError, TypeError):
        return False
    return False


def _file(path: Path) -> FileSigner:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    hint = "make one with: partywall evidence key FILE"
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} is no private key in PEM without a password ({error}); {hint}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} holds another kind of key than ed25519; {hint}")
    return FileSigner(key, _spki(key.public_key()))


def _kms(key: str, session: Any) -> KmsSigner:
    from botocore.exceptions import BotoCoreError, ClientError

    if session is None:
        from partywall.aws.models import plain_session

        session = plain_session()
    parts = key.split(":")
    region = parts[3] if len(parts) > 5 and parts[0] == "arn" else None
    try:
        client = session.create_client("kms", region_name=region)
        told = client.get_public_key(KeyId=key)
    except (ClientError, BotoCoreError) as error:
        raise UserError(f"KMS gives no public key for {key}: {error}") from error
    spec = told.get("KeySpec") or _spec(told["PublicKey"])
    if spec not in _KMS_ALGORITHMS or told.get("KeyUsage") != "SIGN_VERIFY":
        wanted = " or ".join(_KMS_ALGORITHMS)
        raise UserError(
            f"the KMS key {key} is for {told.get('KeyUsage')} by {spec}; use one for signing, {wanted}"
        )
    algorithm, kms_algorithm = _KMS_ALGORITHMS[spec]
    return KmsSigner(client, key, kms_algorithm, told["PublicKey"], algorithm)


def _spec(public_key: bytes) -> str:
    """KMS's name for the kind of a public key, out of the key itself; "another kind" for others."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(public_key)
    if isinstance(key, Ed25519PublicKey):
        return "ECC_NIST_EDWARDS25519"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ECC_NIST_P256"
    return "another kind"


def _spki(public_key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return cast(bytes, public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
