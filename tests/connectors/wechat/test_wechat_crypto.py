"""Signatures and packets against values that others published. Sources stand with each vector."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechat_rig import VECTORS

from connectors.tencent.crypto import Vault, matches, sign
from connectors.wechat.simulator import push

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
POSITIVE = VECTORS["vectors"]
PACKETS = [v for v in POSITIVE if v["plaintext"]]


def _ids(vectors):
    return [v["id"] for v in vectors]


def test_the_file_of_vectors_is_whole():
    assert (len(POSITIVE), len(PACKETS), len(VECTORS["negative"])) == (22, 15, 5)


@pytest.mark.parametrize("vector", [v for v in POSITIVE if v["signature"]], ids=lambda v: v["id"])
def test_plain_signature(vector):
    if vector["kind"] == "msg_signature_only":
        return
    assert matches(vector["signature"], vector["token"], vector["timestamp"], vector["nonce"])


@pytest.mark.parametrize("vector", [v for v in POSITIVE if v["msg_signature"]], ids=lambda v: v["id"])
def test_message_signature(vector):
    parts = (vector["token"], vector["timestamp"], vector["nonce"], vector["encrypted"] or "encrypt")
    assert matches(vector["msg_signature"], *parts)
    assert not matches(vector["msg_signature"], *parts[:3])


@pytest.mark.parametrize("vector", PACKETS, ids=_ids(PACKETS))
def test_packet_opens_and_is_made_again_byte_for_byte(vector):
    vault = Vault(vector["encoding_aes_key"], vector["app_id"])
    assert vault.open(vector["encrypted"]) == vector["plaintext"].encode()
    random16 = bytes.fromhex(vector["random16_hex"])
    assert vault.seal(vector["plaintext"].encode(), random16) == vector["encrypted"]


@given(st.lists(st.one_of(st.binary(max_size=80), st.integers(1, 6)), min_size=2, max_size=6))
def test_a_packet_opens_the_same_whatever_was_opened_before(several):
    """A number is so many blocks of noise: no packet, but something that leaves traces in what opens packets."""
    used = Vault(KEY, "wx1")
    for one in several:
        noise = isinstance(one, int)
        packet = base64.b64encode(bytes(range(one, one + 16)) * one).decode() if noise else Vault(KEY, "wx1").seal(one)
        assert _said_of(used, packet) == _said_of(Vault(KEY, "wx1"), packet) == (None if noise else one)


def _said_of(vault, packet):
    try:
        return vault.open(packet)
    except ValueError:
        return None


@pytest.mark.parametrize("vector", VECTORS["negative"], ids=_ids(VECTORS["negative"]))
def test_tampered_vector_is_refused(vector):
    parts = [vector["token"], vector["timestamp"], vector["nonce"]]
    given_signature = vector.get("msg_signature") or vector["signature"]
    parts += [vector["encrypted"]] if "encrypted" in vector else []
    signed = matches(given_signature, *parts)
    if "mismatch" in vector["expect"] or "plain signature" in vector["expect"]:
        assert not signed
        return
    assert signed
    with pytest.raises(ValueError, match="not a packet"):
        Vault(vector["encoding_aes_key"], vector["app_id"]).open(vector["encrypted"])


def test_signature_sorts_bytes_not_numbers():
    # "10" stands before "9" as text: https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
    assert sign("10", "9", "a") == push.signature("9", "a", "10")


@pytest.mark.parametrize("odd", ["", "é" * 40, "F464B24FC39322E44B38AA78F5EDD27BD1441696", "0" * 80, "\ud800"])
def test_odd_signatures_compare_without_an_error(odd):
    assert not matches(odd, "AAAAA", "1714036504", "1514711492")


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_both_implementations_read_each_other(payload, random16):
    vault = Vault(KEY, "wx1")
    assert vault.open(push.seal(payload, KEY, "wx1", random16)) == payload
    assert push.unseal(vault.seal(payload, random16), KEY) == payload


@given(st.binary(max_size=200))
def test_whatever_comes_is_opened_or_refused_in_one_way(data):
    for text in (base64.b64encode(data).decode(), data.decode("latin-1")):
        with pytest.raises(ValueError, match="not a packet"):
            Vault(KEY, "wx1").open(text)


def _packet(block: bytes) -> str:
    """Encrypts a block exactly as given, without padding."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = base64.b64decode(KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(block) + encryptor.finalize()).decode()


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x01" * 16,
        b"r" * 16 + b"\xff\xff\xff\xff" + b"x" * 11 + b"\x01",  # nonsense length, trap of WxJava 909
        b"r" * 16 + (5).to_bytes(4, "big") + b"hello" + b"wx1" + b"\x00" * 4,  # padding of zero
        b"r" * 16 + (5).to_bytes(4, "big") + b"hello" + b"wx1" + b"\x21" * 4,  # padding above 32
        b"r" * 16 + (5).to_bytes(4, "big") + b"hello" + b"wx1" + b"\x05\x03\x03\x04",  # uneven padding
        b"r" * 16 + (5).to_bytes(4, "big") + b"hello" + b"wx2" + b"\x04" * 4,  # another app
        b"r" * 16 + (9).to_bytes(4, "big") + b"hello" + b"wx1" + b"\x04" * 4,  # length runs into the app id
        b"r" * 16 + (0).to_bytes(4, "big") + b"" + b"xwx1" + b"\x08" * 8,  # something before the app id
    ],
)
def test_broken_packets_are_refused_alike(block):
    with pytest.raises(ValueError, match=r"^not a packet$"):
        Vault(KEY, "wx1").open(_packet(block))


def test_key_with_spare_bits_is_accepted():
    # https://github.com/binarywang/WxJava/issues/1454: strict decoders refuse keys that the console made
    assert base64.b64encode(base64.b64decode(KEY + "=")).decode() != KEY + "="
    assert Vault(KEY, "wx1").open(push.seal(b"x", KEY, "wx1", b"\xff" * 16)) == b"x"


def test_padding_values_up_to_32_are_accepted():
    # https://github.com/Eric-Guo/wechat/pull/67: padding counts to 32, an un-padder for AES blocks refuses half of it
    vault = Vault(KEY, "wx1")
    for length in range(64):
        assert vault.open(push.seal(b"x" * length, KEY, "wx1", b"\x00" * 16)) == b"x" * length
