"""Encryption: reversible with the key, refused without it, and silent about the key."""

import sys
from base64 import b64encode
from traceback import TracebackException

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsourcing.cipher import AESCipher
from eventsourcing.environment import Environment
from eventsourcing.persistence import InfrastructureFactory, MapperDeserialisationError
from tests.core.school import DogSchool

KEY = b64encode(b"0123456789abcdef").decode()


def cipher(key=KEY):
    return AESCipher(Environment("School", {"CIPHER_KEY": key}))


@given(st.binary())
def test_gives_back_what_it_encrypted(data):
    assert cipher().decrypt(cipher().encrypt(data)) == data


def test_never_encrypts_the_same_way_twice():
    assert cipher().encrypt(b"x") != cipher().encrypt(b"x")


def test_lays_out_nonce_tag_and_data():
    ciphertext = cipher().encrypt(b"five!")

    assert len(ciphertext) == 12 + 16 + 5


@pytest.mark.parametrize("position", [0, 12, 28, -1])
def test_refuses_a_ciphertext_with_a_flipped_bit(position):
    damaged = bytearray(cipher().encrypt(b"five!"))
    damaged[position] ^= 1

    with pytest.raises(ValueError) as caught:
        cipher().decrypt(bytes(damaged))

    assert str(caught.value) == "The ciphertext is damaged, or was encrypted with another key."


def test_refuses_what_another_key_encrypted():
    other = cipher(AESCipher.create_key(32))

    with pytest.raises(ValueError, match="another key"):
        cipher().decrypt(other.encrypt(b"five!"))


def test_refuses_what_is_too_short():
    with pytest.raises(ValueError) as caught:
        cipher().decrypt(b"short")

    assert str(caught.value) == (
        "The ciphertext has 5 bytes, which is too short: it is damaged, or was never encrypted."
    )


@pytest.mark.parametrize("size", [16, 24, 32])
def test_makes_keys_of_the_sizes_there_are(size):
    assert cipher(AESCipher.create_key(size)).encrypt(b"x")


@pytest.mark.parametrize("size", [0, 8, 33])
def test_refuses_keys_of_other_sizes(size):
    text = f"A key of {size} bytes cannot be used. Use 16, 24 or 32 bytes."

    with pytest.raises(ValueError, match=text):
        AESCipher.create_key(size)


def test_names_the_keys_when_none_is_set():
    with pytest.raises(OSError) as caught:
        AESCipher(Environment("School", {}))

    assert str(caught.value).startswith("SCHOOL_CIPHER_KEY or CIPHER_KEY is not set.")


def test_does_not_tell_a_key_that_is_wrong():
    with pytest.raises(ValueError) as caught:
        cipher("not a key, but a secret")

    assert str(caught.value) == "CIPHER_KEY is not valid Base64."


@pytest.mark.parametrize("key", ["not a key, but a secret", b64encode(b"a secret").decode()])
def test_a_report_of_an_error_with_the_values_of_variables_does_not_tell_a_wrong_key(key):
    environment = Environment("School", {"CIPHER_KEY": key})
    with pytest.raises(ValueError) as caught:
        AESCipher(environment)

    inner = caught.value.__traceback__.tb_next
    report = TracebackException(ValueError, caught.value, inner, capture_locals=True)

    text = "".join(report.format())
    assert "environment = <Environment 'School': CIPHER_KEY>" in text
    assert key not in text
    assert "secret" not in text


def test_does_not_show_its_key():
    assert repr(cipher()) == "<AESCipher>"


def test_a_key_alone_switches_encryption_on():
    factory = InfrastructureFactory.construct(Environment("School", {"CIPHER_KEY": KEY}))

    assert isinstance(factory.cipher(), AESCipher)


def test_an_applications_events_are_encrypted_and_read_back():
    school = DogSchool(env={"CIPHER_KEY": KEY, "COMPRESSOR_TOPIC": "zlib"})
    dog_id = school.register_dog("Fido")

    assert b"Fido" not in school.recorder.select_events(dog_id)[0].state
    assert school.get_dog(dog_id)["name"] == "Fido"


def test_an_application_with_another_key_reads_nothing():
    school = DogSchool(env={"CIPHER_KEY": KEY})
    dog_id = school.register_dog("Fido")
    school.mapper.cipher = cipher(AESCipher.create_key(32))

    with pytest.raises(MapperDeserialisationError, match="another key"):
        school.get_dog(dog_id)


def test_says_which_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    with pytest.raises(ModuleNotFoundError) as caught:
        AESCipher(Environment(env={"CIPHER_KEY": AESCipher.create_key(16)}))

    assert str(caught.value) == (
        "AESCipher needs the package cryptography. Install django-eventsourcing[crypto]."
    )
